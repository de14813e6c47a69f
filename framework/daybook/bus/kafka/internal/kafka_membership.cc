#include "daybook/bus/kafka/internal/kafka_membership.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/bus/kafka/internal/rd_status.h"

namespace daybook::bus::internal {
namespace {

// librdkafka has no getter for it. Its serialised form begins with a magic word that names the form, and then the
// generation as the machine holds it; another form gives nothing.
std::optional<Generation> GenerationOf(const rd_kafka_consumer_group_metadata_t* metadata) {
  constexpr std::string_view kMagic = "CGMDv2:";
  void* bytes = nullptr;
  std::size_t size = 0;
  const ErrorHandle error(rd_kafka_consumer_group_metadata_write(metadata, &bytes, &size));
  if (error != nullptr) return std::nullopt;
  std::optional<Generation> generation;
  const std::string_view text(static_cast<const char*>(bytes), size);
  if (text.starts_with(kMagic) && size >= kMagic.size() + sizeof(std::int32_t)) {
    std::int32_t number = -1;
    std::memcpy(&number, text.data() + kMagic.size(), sizeof(number));
    generation = Generation(number);
  }
  rd_kafka_mem_free(nullptr, bytes);
  return generation;
}

std::vector<TopicPartition> ToPartitions(const rd_kafka_topic_partition_list_t* list) {
  std::vector<TopicPartition> all;
  for (int i = 0; i < list->cnt; ++i) all.push_back({list->elems[i].topic, BusPartition(list->elems[i].partition)});
  return all;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Membership>> KafkaMembership::Make(const KafkaOptions& kafka,
                                                                  const MembershipOptions& options) {
  if (options.group.empty()) return absl::InvalidArgumentError("MembershipOptions::group is empty");
  if (options.topics.empty()) return absl::InvalidArgumentError("MembershipOptions::topics is empty");
  auto client = std::make_unique<Client>(kafka, Role::kConsumer, options.group);
  Settings settings = {{"group.id", options.group},
                       {"session.timeout.ms", absl::StrCat(ToMilliseconds(options.session_timeout))},
                       {"heartbeat.interval.ms", absl::StrCat(ToMilliseconds(options.heartbeat_interval))},
                       {"max.poll.interval.ms", absl::StrCat(ToMilliseconds(options.poll_interval_max))},
                       {"partition.assignment.strategy", "range"},  // eager: the cooperative one is broken in 2.0.2
                       {"enable.auto.commit", "false"},
                       {"enable.auto.offset.store", "false"},
                       {"isolation.level", "read_committed"}};
  if (!options.instance_id.empty()) settings["group.instance.id"] = options.instance_id;
  DAYBOOK_ASSIGN_OR_RETURN(ConfHandle conf, client->MakeConf(settings));
  rd_kafka_conf_set_rebalance_cb(conf.get(), OnRdRebalance);
  DAYBOOK_RETURN_IF_ERROR(client->Start(std::move(conf)));
  std::unique_ptr<KafkaMembership> membership(new KafkaMembership(std::move(client), options));
  membership->client_->owner = membership.get();
  membership->last_poll_ = MonotonicNow();
  membership->ReadMetadata();
  rd_kafka_t* const raw = membership->client_->get();
  rd_kafka_poll_set_consumer(raw);
  const ListHandle topics(rd_kafka_topic_partition_list_new(static_cast<int>(options.topics.size())));
  for (const std::string& topic : options.topics) {
    rd_kafka_topic_partition_list_add(topics.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  DAYBOOK_RETURN_IF_ERROR(RdStatus(rd_kafka_subscribe(raw, topics.get()), "join group " + options.group));
  return membership;
}

KafkaMembership::~KafkaMembership() {
  const absl::Status left = Leave(absl::Seconds(5));
  if (!left.ok()) Log(LogLevel::kWarning, "a group was left without saying so", {{"group", options_.group}});
}

void KafkaMembership::OnRdRebalance(rd_kafka_t* client, rd_kafka_resp_err_t error,
                                    rd_kafka_topic_partition_list_t* partitions, void* opaque) noexcept {
  KafkaMembership& self = *static_cast<KafkaMembership*>(Client::Of(opaque).owner);
  if (self.has_left_) return self.client_->OweLettingGo();
  if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    self.Acquire(partitions);
    return;
  }
  // A revocation that has waited here for longer than the group waits for us is history.
  const bool is_late = self.since_last_poll_ > std::min(self.options_.session_timeout, self.options_.poll_interval_max);
  const bool is_lost =
      is_late || rd_kafka_assignment_lost(client) != 0 || error != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS;
  self.LetGo(is_lost ? OwnershipChange::Kind::kLost : OwnershipChange::Kind::kRevoked);
}

void KafkaMembership::Acquire(rd_kafka_topic_partition_list_t* partitions) {
  for (int i = 0; i < partitions->cnt; ++i) partitions->elems[i].offset = RD_KAFKA_OFFSET_END;
  const absl::Status assigned = client_->Assign(partitions);
  rd_kafka_pause_partitions(client_->get(), partitions);
  if (!assigned.ok()) failure_ = assigned;
  ReadMetadata();
  absl::MutexLock lock(&mu_);
  owned_ = ToPartitions(partitions);
  if (owned_.empty()) return;  // nothing for us in this generation
  changes_.push_back(
      {.kind = OwnershipChange::Kind::kAcquired, .partitions = owned_, .generation = metadata_.generation});
}

void KafkaMembership::LetGo(OwnershipChange::Kind kind) {
  bool has_told = false;
  {
    absl::MutexLock lock(&mu_);
    if (!owned_.empty()) {
      if (!changes_.empty() && changes_.back().kind == OwnershipChange::Kind::kAcquired) {
        changes_.pop_back();  // it was never told
      } else {
        changes_.push_back({.kind = kind, .partitions = owned_, .generation = metadata_.generation});
        has_told = true;
      }
    }
    owned_.clear();
    metadata_.generation = Generation(-1);
  }
  if (has_told && kind == OwnershipChange::Kind::kRevoked) {
    must_unassign_ = true;
    return;
  }
  const absl::Status unassigned = client_->Assign(nullptr);
  if (!unassigned.ok()) failure_ = unassigned;
}

void KafkaMembership::ReadMetadata() {
  const GroupMetadataHandle now(rd_kafka_consumer_group_metadata(client_->get()));
  char* const member = rd_kafka_memberid(client_->get());
  absl::MutexLock lock(&mu_);
  metadata_.group = options_.group;
  metadata_.instance_id = options_.instance_id;
  metadata_.member_id = member == nullptr ? "" : member;
  metadata_.generation = now == nullptr ? Generation(-1) : GenerationOf(now.get()).value_or(Generation(-1));
  if (member != nullptr) rd_kafka_mem_free(client_->get(), member);
}

absl::StatusOr<std::optional<OwnershipChange>> KafkaMembership::Poll(absl::Duration timeout) {
  if (has_left_) return absl::CancelledError("the group was left");
  const absl::Duration now = MonotonicNow();
  since_last_poll_ = now - std::exchange(last_poll_, now);
  if (must_unassign_) {
    must_unassign_ = false;
    DAYBOOK_RETURN_IF_ERROR(client_->Assign(nullptr));
  }
  const absl::Duration deadline = MonotonicNow() + timeout;
  while (true) {
    if (!changes_.empty()) {
      OwnershipChange change = std::move(changes_.front());
      changes_.pop_front();
      return change;
    }
    if (!failure_.ok()) return failure_;
    const MessageHandle message(rd_kafka_consumer_poll(client_->get(), ToMilliseconds(deadline - MonotonicNow())));
    last_poll_ = MonotonicNow();
    if (message != nullptr && message->err != RD_KAFKA_RESP_ERR_NO_ERROR) failure_ = TakeError(*message);
    if (message == nullptr && changes_.empty() && failure_.ok() && MonotonicNow() >= deadline) return std::nullopt;
  }
}

absl::Status KafkaMembership::TakeError(const rd_kafka_message_t& message) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
      Log(LogLevel::kWarning, "the owner did not poll for too long and loses its partitions",
          {{"group", options_.group}});
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__FATAL:
      LetGo(OwnershipChange::Kind::kLost);
      return WithReason(absl::FailedPreconditionError(absl::StrCat("another process has joined group ", options_.group,
                                                                   " as ", options_.instance_id)),
                        "MEMBER_FENCED");
    default:
      break;
  }
  const absl::Status status =
      RdStatus(message.err, "membership of group " + options_.group, rd_kafka_message_errstr(&message));
  if (!absl::IsUnavailable(status)) return status;
  client_->OnError(message.err, rd_kafka_message_errstr(&message));
  return absl::OkStatus();
}

absl::Status KafkaMembership::Leave(absl::Duration timeout) {
  if (has_left_) return absl::OkStatus();
  has_left_ = true;
  if (must_unassign_) client_->OweLettingGo();
  const absl::Status closed = client_->CloseConsumer(timeout);
  absl::MutexLock lock(&mu_);
  owned_.clear();
  metadata_.generation = Generation(-1);
  return closed.ok() ? closed : Annotate(closed, "group " + options_.group);
}

std::vector<TopicPartition> KafkaMembership::owned() const {
  absl::MutexLock lock(&mu_);
  return owned_;
}

GroupMetadata KafkaMembership::metadata() const {
  absl::MutexLock lock(&mu_);
  return metadata_;
}

absl::StatusOr<std::vector<std::optional<Offset>>> KafkaMembership::Committed(
    std::span<const TopicPartition> partitions, absl::Duration timeout) {
  const ListHandle list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), partition.topic.c_str(), partition.partition.value());
  }
  const std::string what = "committed offsets of group " + options_.group;
  DAYBOOK_RETURN_IF_ERROR(RdStatus(rd_kafka_committed(client_->get(), list.get(), ToMilliseconds(timeout)), what));
  std::vector<std::optional<Offset>> offsets;
  for (int i = 0; i < list->cnt; ++i) {
    DAYBOOK_RETURN_IF_ERROR(RdStatus(list->elems[i].err, what));
    const std::int64_t offset = list->elems[i].offset;
    offsets.push_back(offset < 0 ? std::nullopt : std::optional<Offset>(Offset(offset)));
  }
  return offsets;
}

}  // namespace daybook::bus::internal
