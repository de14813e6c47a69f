#ifndef DAYBOOK_BUS_MEMORY_INTERNAL_MEMORY_PRODUCER_H_
#define DAYBOOK_BUS_MEMORY_INTERNAL_MEMORY_PRODUCER_H_

#include <deque>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daybook/bus/memory/internal/broker.h"
#include "daybook/bus/producer.h"
#include "daybook/bus/transaction.h"

namespace daybook::bus::internal {

// Appends at once, and answers on a thread of its own, as a producer over a network does.
class MemoryProducer : public Producer {
 public:
  MemoryProducer(MemoryBroker& broker, const ProducerOptions& options);
  ~MemoryProducer() override;

  std::size_t SendTogether(std::span<ToSend> records, absl::Status& error) override;
  absl::Status WaitForRoom(std::size_t bytes, absl::Duration timeout) override;
  absl::Status Flush(absl::Duration timeout) override;
  std::size_t in_flight() const override;
  absl::Status health() const override { return absl::OkStatus(); }

 private:
  struct Answer {
    DeliveryHandler done;
    absl::StatusOr<Delivery> result;
    std::size_t bytes = 0;
  };

  bool HasRoom(std::size_t bytes) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::Status SendOne(ToSend& one);
  void Run();

  MemoryBroker& broker_;
  const ProducerOptions options_;
  absl::Mutex order_mu_ ABSL_ACQUIRED_BEFORE(mu_);  // appended and answered in one order
  mutable absl::Mutex mu_;
  std::deque<Answer> answers_ ABSL_GUARDED_BY(mu_);
  std::size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  std::size_t in_flight_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  bool is_closing_ ABSL_GUARDED_BY(mu_) = false;
  std::jthread thread_;
};

class MemoryTransactionalProducer : public TransactionalProducer {
 public:
  MemoryTransactionalProducer(MemoryBroker& broker, const TransactionalProducerOptions& options)
      : broker_(broker), options_(options) {}

  absl::Status Init(absl::Duration timeout) override;
  absl::Status Begin() override { return broker_.Begin(options_.id, epoch_); }
  absl::Status Send(const OutgoingRecord& record) override;
  absl::Status SendOffsets(std::span<const GroupOffset> offsets, const GroupMetadata& metadata,
                           absl::Duration timeout) override;
  absl::Status Commit(absl::Duration timeout) override;
  absl::Status Flush(absl::Duration timeout) override;
  absl::Status Abort(absl::Duration timeout) override;
  absl::Status health() const override { return absl::OkStatus(); }

 private:
  MemoryBroker& broker_;
  const TransactionalProducerOptions options_;
  ProducerEpoch epoch_;  // 0 = not initialised
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_MEMORY_INTERNAL_MEMORY_PRODUCER_H_
