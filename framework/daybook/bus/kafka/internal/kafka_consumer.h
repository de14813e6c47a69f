#ifndef DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_CONSUMER_H_
#define DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_CONSUMER_H_

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "daybook/bus/consumer.h"
#include "daybook/bus/kafka/internal/client.h"
#include "daybook/bus/kafka/internal/handles.h"
#include "daybook/bus/kafka/internal/kafka_admin.h"
#include "daybook/bus/kafka/kafka_bus.h"

namespace daybook::bus::internal {

// Consumer over librdkafka's assign and consumer_poll. The driver's thread owns the assignment; a second thread asks
// for new topics and partitions, because asking blocks.
class KafkaConsumer : public Consumer {
 public:
  // `admin` outlives it.
  static absl::StatusOr<std::unique_ptr<Consumer>> Make(const KafkaOptions& kafka, const ConsumerOptions& options,
                                                        KafkaAdmin& admin);
  ~KafkaConsumer() override;

  absl::Status AssignTopics(std::vector<std::string> topics, std::span<const Start> starts,
                            absl::Duration timeout) override;
  absl::Status Assign(std::span<const Start> starts, absl::Duration timeout) override;
  absl::StatusOr<RecordBatch> Poll(const PollOptions& options) override;
  absl::Status Seek(const TopicPartition& partition, Offset next) override;
  absl::StatusOr<std::int32_t> PartitionCount(std::string_view topic, absl::Duration timeout) override;
  absl::StatusOr<OffsetRange> Offsets(const TopicPartition& partition, absl::Duration timeout) override;
  std::vector<PartitionProgress> Progress() const override;
  bool CaughtUp() const override;
  absl::Status health() const override;

 private:
  struct State {
    Offset next;
    std::optional<ReadMark> last;  // the last record given, if any was
    std::optional<Offset> end;     // where the end was when it was last reached
    bool was_at_end = false;
  };
  using States = std::map<std::string, std::vector<std::optional<State>>, std::less<>>;  // by topic and partition
  // Messages in the order in which they came; one object keeps them and the client alive.
  struct Gathered;

  KafkaConsumer(std::shared_ptr<Client> client, const ConsumerOptions& options, KafkaAdmin& admin);

  absl::Status Replace(std::vector<std::string> topics, std::span<const Start> starts, absl::Duration timeout);
  absl::Status CheckStarts(std::span<const Start> starts, absl::Duration timeout);
  absl::Status CheckMarks(std::span<const Start> starts, absl::Duration timeout);
  absl::Status CheckMarkIsGone(const TopicPartition& partition, const ReadMark& mark, absl::Duration timeout);
  absl::Status BeginCheck(std::span<const Start> starts);
  absl::StatusOr<bool> StepCheck(absl::Duration timeout);
  void CheckAgain(absl::Duration timeout);
  std::vector<Start> Places() const;
  absl::Status AssignList(const std::vector<Start>& starts);
  void TakeNewPartitions();
  void LookForPartitions(std::stop_token stop);

  absl::StatusOr<RecordBatch> PollNow(const PollOptions& options);
  // One message or error from librdkafka into `batch`. Returns the error that ends reading.
  void Take(MessageHandle message, Gathered& batch);
  void TakeError(const rd_kafka_message_t& message);
  absl::Status OutOfRange(const TopicPartition& partition, Offset next, std::string_view how);
  State* Find(std::string_view topic, std::int32_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::shared_ptr<Client> client_;
  const ConsumerOptions options_;
  KafkaAdmin& admin_;

  // Of the driver's thread.
  absl::Duration polled_at_;  // when Poll was last left, monotonic
  // After a time in which topics can have been made anew unseen: that they are still those that were read.
  enum class Check { kNone, kDue, kUnderWay } check_ = Check::kNone;
  std::map<TopicPartition, ReadMark> open_marks_;  // not looked at yet
  bool is_suspected_ = false;                      // the check before found another topic
  absl::Status failure_;                           // given by every Poll after what was read before it

  mutable absl::Mutex mu_;
  States states_ ABSL_GUARDED_BY(mu_);
  bool is_caught_up_ ABSL_GUARDED_BY(mu_) = true;
  std::set<std::string> topics_ ABSL_GUARDED_BY(mu_);                // read whole
  std::map<std::string, std::int32_t> counts_ ABSL_GUARDED_BY(mu_);  // as the second thread found them
  std::atomic<bool> has_news_ = false;                               // in counts_
  std::jthread finder_;                                              // last: uses all of it
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_KAFKA_INTERNAL_KAFKA_CONSUMER_H_
