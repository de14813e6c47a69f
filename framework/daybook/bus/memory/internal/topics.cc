#include "daybook/bus/memory/internal/topics.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/strings.h"

namespace daybook::bus::internal {
namespace {

bool IsTopicName(std::string_view name) {
  return !name.empty() && name.size() <= 249 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-';
         });
}

absl::Status NoSuchTopic(std::string_view topic) {
  return absl::NotFoundError(absl::StrCat("there is no topic ", ToAbsl(topic)));
}

}  // namespace

Record StoredRecord::view() const {
  Record record{.topic = *topic,
                .partition = partition,
                .offset = offset,
                .timestamp = timestamp,
                .key = {},
                .value = {},
                .headers = headers};
  if (key.has_value()) record.key = *key;
  if (value.has_value()) record.value = *value;
  return record;
}

Offset PartitionLog::stable_end() const {
  Offset stable = end();
  for (const auto& open : open_) stable = std::min(stable, open.second);
  return stable;
}

Offset PartitionLog::Append(std::shared_ptr<StoredRecord> record) {
  record->offset = end();
  if (record->transaction != TransactionNumber()) open_.emplace(record->transaction, record->offset);
  records_.push_back(std::move(record));
  return records_.back()->offset;
}

void PartitionLog::EndTransaction(TransactionNumber transaction, Fate fate, std::shared_ptr<StoredRecord> marker) {
  open_.erase(transaction);
  if (fate == Fate::kAborted) aborted_.insert(transaction);
  marker->kind = StoredRecord::Kind::kMarker;
  Append(std::move(marker));
}

void PartitionLog::DeleteBefore(Offset before) {
  while (begin_ < before && !records_.empty()) {
    records_.pop_front();
    begin_ = begin_.Next();
  }
}

std::shared_ptr<const StoredRecord> PartitionLog::At(Offset offset, Isolation isolation) const {
  const auto& record = records_[static_cast<std::size_t>(offset.value() - begin_.value())];
  if (record->kind == StoredRecord::Kind::kMarker) return nullptr;
  if (isolation == Isolation::kReadCommitted && aborted_.contains(record->transaction)) return nullptr;
  return record;
}

absl::Status Topics::Create(const TopicSpec& spec) {
  if (!IsTopicName(spec.topic)) return absl::InvalidArgumentError(absl::StrCat("no topic's name: ", spec.topic));
  if (spec.partitions < 1) return absl::InvalidArgumentError(absl::StrCat(spec.topic, ": no partitions"));
  if (spec.replication < 1) return absl::InvalidArgumentError(absl::StrCat(spec.topic, ": no replicas"));
  if (topics_.contains(spec.topic)) return absl::AlreadyExistsError(absl::StrCat("topic ", spec.topic, " exists"));
  Topic& topic = topics_[spec.topic];
  topic.spec = spec;
  topic.incarnation = ++last_incarnation_;
  topic.name = std::make_shared<const std::string>(spec.topic);
  topic.partitions.resize(static_cast<std::size_t>(spec.partitions));
  return absl::OkStatus();
}

absl::Status Topics::AddPartitions(std::string_view name, std::int32_t partitions) {
  Topic* topic = Find(name);
  if (topic == nullptr) return NoSuchTopic(name);
  if (partitions <= topic->spec.partitions) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(name), " has ", topic->spec.partitions, " partitions already"));
  }
  topic->spec.partitions = partitions;
  topic->partitions.resize(static_cast<std::size_t>(partitions));
  return absl::OkStatus();
}

absl::Status Topics::Delete(std::string_view name) {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return NoSuchTopic(name);
  topics_.erase(found);
  return absl::OkStatus();
}

Topic* Topics::Find(std::string_view topic) {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? nullptr : &found->second;
}

PartitionLog* Topics::Find(const TopicPartition& partition) {
  Topic* topic = Find(partition.topic);
  const std::int32_t number = partition.partition.value();
  if (topic == nullptr || number < 0 || number >= topic->spec.partitions) return nullptr;
  return &topic->partitions[static_cast<std::size_t>(number)];
}

std::vector<std::string> Topics::Names() const {
  std::vector<std::string> names;
  for (const auto& topic : topics_) names.push_back(topic.first);
  return names;
}

absl::StatusOr<Delivery> Topics::Append(const OutgoingRecord& record, Timestamp now, TransactionNumber transaction) {
  Topic* topic = Find(record.topic);
  if (topic == nullptr) return NoSuchTopic(record.topic);
  const std::int32_t count = topic->spec.partitions;
  BusPartition partition(++turn_ % count);
  if (record.partition.has_value()) {
    partition = *record.partition;
  } else if (record.key.has_value()) {
    partition = PartitionOf(*record.key, count);
  }
  if (partition.value() < 0 || partition.value() >= count) {
    return absl::NotFoundError(absl::StrCat(ToAbsl(record.topic), " has no partition ", partition.value()));
  }
  auto stored = std::make_shared<StoredRecord>();
  stored->topic = topic->name;
  stored->partition = partition;
  stored->timestamp = Timestamp::FromMillis(record.timestamp.value_or(now).millis());
  if (record.key.has_value()) stored->key.emplace(*record.key);
  if (record.value.has_value()) stored->value.emplace(*record.value);
  for (const Header& header : record.headers) {
    stored->header_list.Add(header);
  }
  stored->headers = stored->header_list.view();
  stored->transaction = transaction;
  const Offset offset = topic->partitions[static_cast<std::size_t>(partition.value())].Append(std::move(stored));
  return Delivery{.partition = partition, .offset = offset};
}

}  // namespace daybook::bus::internal
