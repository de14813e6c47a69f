#ifndef DAYBOOK_BUS_MEMORY_INTERNAL_BROKER_H_
#define DAYBOOK_BUS_MEMORY_INTERNAL_BROKER_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/bus/memory/internal/groups.h"
#include "daybook/bus/memory/internal/topics.h"
#include "daybook/bus/transaction.h"

namespace daybook::bus::internal {

// How often a transactional id was taken over.
using ProducerEpoch = StrongNumber<struct ProducerEpochTag>;

// What the clients of a bus share. Thread safety: every method from any thread; Locked gives the caller everything for
// one moment.
class MemoryBroker {
 public:
  explicit MemoryBroker(const Clock* clock) : clock_(clock), groups_(topics_) {}

  struct Everything {
    Topics& topics;
    Groups& groups;
    absl::Duration now;
  };
  // Runs `step` under the lock, after what time has brought about.
  void Locked(absl::FunctionRef<void(Everything)> step);
  // Runs it again and again until it says true or the time is over.
  void LockedUntil(absl::Duration timeout, absl::FunctionRef<bool(Everything)> step);

  absl::StatusOr<Delivery> Append(const OutgoingRecord& record);

  // Transactions. Errors as those of bus/transaction.h.
  ProducerEpoch Init(const std::string& id, absl::Duration transaction_timeout);
  absl::Status Begin(const std::string& id, ProducerEpoch epoch);
  absl::Status Send(const std::string& id, ProducerEpoch epoch, const OutgoingRecord& record);
  absl::Status SendOffsets(const std::string& id, ProducerEpoch epoch, std::span<const GroupOffset> offsets,
                           const GroupMetadata& metadata);
  absl::Status CheckOpen(const std::string& id, ProducerEpoch epoch);
  absl::Status End(const std::string& id, ProducerEpoch epoch, PartitionLog::Fate fate);

 private:
  struct Writer {
    ProducerEpoch epoch;
    absl::Duration timeout;
    TransactionNumber open;  // 0 = none
    absl::Duration began;
    bool must_abort = false;
    std::set<TopicPartition> touched;
    std::vector<std::pair<std::string, GroupOffset>> offsets;
  };

  void Pass(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<Writer*> Find(const std::string& id, ProducerEpoch epoch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndTransaction(Writer& writer, PartitionLog::Fate fate) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock* const clock_;
  absl::Mutex mu_;
  absl::CondVar changed_;
  Topics topics_ ABSL_GUARDED_BY(mu_);
  Groups groups_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, Writer> writers_ ABSL_GUARDED_BY(mu_);
  TransactionNumber last_transaction_ ABSL_GUARDED_BY(mu_);
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_MEMORY_INTERNAL_BROKER_H_
