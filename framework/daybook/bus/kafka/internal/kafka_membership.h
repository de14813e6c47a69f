#ifndef DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_MEMBERSHIP_H_
#define DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_MEMBERSHIP_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daybook/bus/kafka/internal/client.h"
#include "daybook/bus/kafka/internal/handles.h"
#include "daybook/bus/kafka/kafka_bus.h"
#include "daybook/bus/membership.h"

namespace daybook::bus::internal {

// Membership over a consumer of librdkafka that subscribes and never reads: what it is assigned is paused at once.
class KafkaMembership : public Membership {
 public:
  static absl::StatusOr<std::unique_ptr<Membership>> Make(const KafkaOptions& kafka, const MembershipOptions& options);
  ~KafkaMembership() override;

  absl::StatusOr<std::optional<OwnershipChange>> Poll(absl::Duration timeout) override;
  absl::Status Leave(absl::Duration timeout) override;
  std::vector<TopicPartition> owned() const override;
  GroupMetadata metadata() const override;
  absl::StatusOr<std::vector<std::optional<Offset>>> Committed(std::span<const TopicPartition> partitions,
                                                               absl::Duration timeout) override;

 private:
  KafkaMembership(std::unique_ptr<Client> client, const MembershipOptions& options)
      : client_(std::move(client)), options_(options) {}

  static void OnRdRebalance(rd_kafka_t* client, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t* partitions,
                            void* opaque) noexcept;
  void Acquire(rd_kafka_topic_partition_list_t* partitions);
  void LetGo(OwnershipChange::Kind kind);
  void ReadMetadata();
  absl::Status TakeError(const rd_kafka_message_t& message);

  const std::unique_ptr<Client> client_;
  const MembershipOptions options_;
  // Of the driver's thread.
  std::deque<OwnershipChange> changes_;
  bool must_unassign_ = false;  // what was said to be revoked is let go by the next Poll
  bool has_left_ = false;
  absl::Duration last_poll_;        // on the monotonic clock
  absl::Duration since_last_poll_;  // how long the driver had been away when it called Poll
  absl::Status failure_;

  mutable absl::Mutex mu_;
  std::vector<TopicPartition> owned_ ABSL_GUARDED_BY(mu_);
  GroupMetadata metadata_ ABSL_GUARDED_BY(mu_);
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_MEMBERSHIP_H_
