#ifndef DAYBOOK_BUS_MEMORY_INTERNAL_MEMORY_CONSUMER_H_
#define DAYBOOK_BUS_MEMORY_INTERNAL_MEMORY_CONSUMER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daybook/bus/consumer.h"
#include "daybook/bus/memory/internal/broker.h"

namespace daybook::bus::internal {

class MemoryConsumer : public Consumer {
 public:
  MemoryConsumer(MemoryBroker& broker, const ConsumerOptions& options) : broker_(broker), options_(options) {}

  absl::Status AssignTopics(std::vector<std::string> topics, std::span<const Start> starts,
                            absl::Duration timeout) override;
  absl::Status Assign(std::span<const Start> starts, absl::Duration timeout) override;
  absl::StatusOr<RecordBatch> Poll(const PollOptions& options) override;
  absl::Status Seek(const TopicPartition& partition, Offset next) override;
  absl::StatusOr<std::int32_t> PartitionCount(std::string_view topic, absl::Duration timeout) override;
  absl::StatusOr<OffsetRange> Offsets(const TopicPartition& partition, absl::Duration timeout) override;
  std::vector<PartitionProgress> Progress() const override;
  bool CaughtUp() const override;
  absl::Status health() const override { return absl::OkStatus(); }

 private:
  struct State {
    std::uint64_t incarnation = 0;
    Offset next;
    std::optional<Offset> end;
    bool was_at_end = false;
  };
  struct Gathered;

  absl::Status CheckStart(const Start& start, Topics& topics) const;
  void Replace(std::vector<std::string> topics, std::span<const Start> starts, Topics& all);
  void TakeNewPartitions(Topics& topics) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Reads what there is; false: nothing.
  absl::StatusOr<bool> Gather(Topics& topics, const PollOptions& options, Gathered& batch);
  absl::Status GatherPartition(const TopicPartition& partition, State& state, Topics& topics,
                               const PollOptions& options, Gathered& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  MemoryBroker& broker_;
  const ConsumerOptions options_;
  absl::Status failure_;
  mutable absl::Mutex mu_;  // taken inside the broker's
  std::vector<std::string> topics_ ABSL_GUARDED_BY(mu_);
  std::map<TopicPartition, State> states_ ABSL_GUARDED_BY(mu_);
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_MEMORY_INTERNAL_MEMORY_CONSUMER_H_
