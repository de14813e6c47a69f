#include "daybook/bus/memory/internal/memory_consumer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace daybook::bus::internal {
namespace {

absl::Status Gone(const TopicPartition& partition, Offset next) {
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(partition.ToString(), " is not there, but it was read up to offset ",
                                                 next.value(), ": the topic was deleted or made anew")),
      "PARTITION_GONE");
}

absl::Status OutOfRange(const TopicPartition& partition, Offset next, const PartitionLog& log, Isolation isolation) {
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(partition.ToString(), " cannot be read from offset ", next.value(),
                                                 ": it holds ", log.begin().value(), " to ", log.end(isolation).value(),
                                                 "; decide what that means, then assign it anew")),
      "OFFSET_OUT_OF_RANGE");
}

}  // namespace

struct MemoryConsumer::Gathered {
  std::vector<std::shared_ptr<const StoredRecord>> records;
  std::size_t bytes = 0;

  RecordBatch Finish() {
    std::vector<Record> views;
    for (const auto& record : records) views.push_back(record->view());
    return RecordBatch(std::move(views),
                       std::make_shared<const std::vector<std::shared_ptr<const StoredRecord>>>(std::move(records)));
  }
};

absl::Status MemoryConsumer::CheckStart(const Start& start, Topics& topics) const {
  if (start.next < Offset()) return absl::InvalidArgumentError(start.partition.ToString() + ": a negative offset");
  const PartitionLog* log = topics.Find(start.partition);
  if (log == nullptr) return start.next == Offset() ? absl::OkStatus() : Gone(start.partition, start.next);
  if (start.next == Offset()) return absl::OkStatus();
  if (start.next < log->begin() || start.next > log->end(options_.isolation)) {
    return OutOfRange(start.partition, start.next, *log, options_.isolation);
  }
  if (!start.last.has_value() || start.last->offset < log->begin() || start.last->offset >= log->end()) {
    return absl::OkStatus();
  }
  const auto record = log->At(start.last->offset, options_.isolation);
  // Nothing is compacted here: what was read is there, or this is another topic.
  if (record != nullptr && record->timestamp.millis() == start.last->timestamp.millis()) return absl::OkStatus();
  return WithReason(absl::FailedPreconditionError(
                        absl::StrCat(start.partition.ToString(), " has another record at offset ",
                                     start.last->offset.value(), " than was read from it: the topic was made anew")),
                    "TOPIC_RECREATED");
}

absl::Status MemoryConsumer::AssignTopics(std::vector<std::string> topics, std::span<const Start> starts,
                                          absl::Duration /*timeout*/) {
  absl::Status status;
  broker_.Locked([&](MemoryBroker::Everything all) {
    Replace({}, {}, all.topics);
    for (const Start& start : starts) {
      if (std::find(topics.begin(), topics.end(), start.partition.topic) == topics.end()) {
        status = absl::InvalidArgumentError(start.partition.ToString() + " is of none of the topics to read");
      } else {
        status = CheckStart(start, all.topics);
      }
      if (!status.ok()) return;
    }
    Replace(std::move(topics), starts, all.topics);
  });
  return status;
}

absl::Status MemoryConsumer::Assign(std::span<const Start> starts, absl::Duration /*timeout*/) {
  absl::Status status;
  broker_.Locked([&](MemoryBroker::Everything all) {
    Replace({}, {}, all.topics);
    for (const Start& start : starts) {
      status = all.topics.Find(start.partition) == nullptr ? Gone(start.partition, start.next)
                                                           : CheckStart(start, all.topics);
      if (!status.ok()) return;
    }
    Replace({}, starts, all.topics);
  });
  return status;
}

void MemoryConsumer::Replace(std::vector<std::string> topics, std::span<const Start> starts, Topics& all) {
  failure_ = absl::OkStatus();
  absl::MutexLock lock(&mu_);
  states_.clear();
  topics_ = std::move(topics);
  for (const Start& start : starts) {
    const Topic* topic = all.Find(start.partition.topic);
    if (topic == nullptr || all.Find(start.partition) == nullptr) continue;  // found when it is made
    State& state = states_[start.partition];
    state.incarnation = topic->incarnation;
    state.next = start.next;
  }
  TakeNewPartitions(all);
}

void MemoryConsumer::TakeNewPartitions(Topics& topics) {
  for (const std::string& name : topics_) {
    const Topic* topic = topics.Find(name);
    if (topic == nullptr) continue;
    for (std::int32_t i = 0; i < topic->spec.partitions; ++i) {
      states_.try_emplace({name, BusPartition(i)}, State{.incarnation = topic->incarnation});
    }
  }
}

absl::Status MemoryConsumer::GatherPartition(const TopicPartition& partition, State& state, Topics& topics,
                                             const PollOptions& options, Gathered& batch) {
  const Topic* topic = topics.Find(partition.topic);
  const PartitionLog* log = topics.Find(partition);
  if (log == nullptr || topic->incarnation != state.incarnation) return Gone(partition, state.next);
  if (state.next == Offset()) state.next = log->begin();
  if (state.next < log->begin() || state.next > log->end()) {
    return OutOfRange(partition, state.next, *log, options_.isolation);
  }
  const Offset end = log->end(options_.isolation);
  while (state.next < end && batch.records.size() < options.records_max && batch.bytes < options.bytes_max) {
    auto record = log->At(state.next, options_.isolation);
    state.next = state.next.Next();
    if (record == nullptr) continue;
    batch.bytes += record->key.value_or("").size() + record->value.value_or("").size();
    batch.records.push_back(std::move(record));
  }
  state.end = end;
  if (state.next >= end) state.was_at_end = true;
  return absl::OkStatus();
}

absl::StatusOr<bool> MemoryConsumer::Gather(Topics& topics, const PollOptions& options, Gathered& batch) {
  absl::MutexLock lock(&mu_);
  TakeNewPartitions(topics);
  const auto at_end = [](const auto& entry) { return entry.second.was_at_end; };
  const bool was_caught_up = std::all_of(states_.begin(), states_.end(), at_end);
  for (auto& [partition, state] : states_) {
    DAYBOOK_RETURN_IF_ERROR(GatherPartition(partition, state, topics, options, batch));
  }
  return !batch.records.empty() || (!was_caught_up && std::all_of(states_.begin(), states_.end(), at_end));
}

absl::StatusOr<RecordBatch> MemoryConsumer::Poll(const PollOptions& options) {
  if (!failure_.ok()) return failure_;
  Gathered batch;
  broker_.LockedUntil(options.timeout, [&](MemoryBroker::Everything all) {
    const absl::StatusOr<bool> found = Gather(all.topics, options, batch);
    failure_ = found.status();
    return !found.ok() || *found;
  });
  if (batch.records.empty() && !failure_.ok()) return failure_;
  return batch.Finish();
}

absl::Status MemoryConsumer::Seek(const TopicPartition& partition, Offset next) {
  absl::MutexLock lock(&mu_);
  const auto found = states_.find(partition);
  if (found == states_.end()) return absl::NotFoundError(partition.ToString() + " is not assigned");
  if (next < Offset()) return absl::InvalidArgumentError(partition.ToString() + ": a negative offset");
  found->second.next = next;
  return absl::OkStatus();
}

absl::StatusOr<std::int32_t> MemoryConsumer::PartitionCount(std::string_view topic, absl::Duration /*timeout*/) {
  absl::StatusOr<std::int32_t> count = absl::NotFoundError(absl::StrCat("there is no topic ", ToAbsl(topic)));
  broker_.Locked([&](MemoryBroker::Everything all) {
    if (const Topic* found = all.topics.Find(topic)) count = found->spec.partitions;
  });
  return count;
}

absl::StatusOr<OffsetRange> MemoryConsumer::Offsets(const TopicPartition& partition, absl::Duration /*timeout*/) {
  absl::StatusOr<OffsetRange> range = absl::NotFoundError("there is no " + partition.ToString());
  broker_.Locked([&](MemoryBroker::Everything all) {
    const PartitionLog* log = all.topics.Find(partition);
    if (log != nullptr) range = OffsetRange{.begin = log->begin(), .end = log->end(options_.isolation)};
  });
  return range;
}

std::vector<PartitionProgress> MemoryConsumer::Progress() const {
  absl::MutexLock lock(&mu_);
  std::vector<PartitionProgress> all;
  for (const auto& [partition, state] : states_) {
    all.push_back({.partition = partition, .next = state.next, .end = state.end, .was_at_end = state.was_at_end});
  }
  return all;
}

bool MemoryConsumer::CaughtUp() const {
  absl::MutexLock lock(&mu_);
  return std::all_of(states_.begin(), states_.end(), [](const auto& entry) { return entry.second.was_at_end; });
}

}  // namespace daybook::bus::internal
