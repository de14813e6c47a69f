#ifndef DAYBOOK_BUS_TESTS_CRASHING_BUS_H_
#define DAYBOOK_BUS_TESTS_CRASHING_BUS_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/reason.h"
#include "daybook/bus/bus.h"

namespace daybook::bus {

// A bus whose producers stop at a record that is chosen beforehand: it, and what is sent after it, is answered with
// DELIVERY_UNKNOWN and NOT_DELIVERED.
//
// Thread safety: every method from any thread.
class CrashingBus final : public Bus {
 public:
  enum class Crash {
    kNone,
    kBeforeWriting,  // the record does not get out
    kAfterWriting,   // it does, and nobody says so
  };
  enum class Afterwards {
    kDead,   // whatever is sent later is lost too, as if the process were dead
    kHeals,  // the next producer works
  };

  explicit CrashingBus(Bus& bus) : bus_(bus) {}

  // At the `record`-th Send from now on, from 1.
  void CrashAt(int record, Crash how, Afterwards afterwards) {
    absl::MutexLock lock(&mu_);
    left_ = record;
    how_ = how;
    afterwards_ = afterwards;
    crashed_ = false;
  }
  bool crashed() const {
    absl::MutexLock lock(&mu_);
    return crashed_;
  }
  bool WaitForCrash(absl::Duration limit) const {
    absl::MutexLock lock(&mu_);
    return mu_.AwaitWithTimeout(absl::Condition(&crashed_), limit);
  }

  absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) override {
    return bus_.NewConsumer(options);
  }
  absl::StatusOr<std::unique_ptr<Producer>> NewProducer(const ProducerOptions& options) override {
    absl::StatusOr<std::unique_ptr<Producer>> producer = bus_.NewProducer(options);
    if (!producer.ok()) return producer;
    return std::make_unique<CrashingProducer>(*this, *std::move(producer));
  }
  absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(
      const TransactionalProducerOptions& options) override {
    return bus_.NewTransactionalProducer(options);
  }
  absl::StatusOr<std::unique_ptr<Membership>> Join(const MembershipOptions& options) override {
    return bus_.Join(options);
  }
  Admin& admin() override { return bus_.admin(); }

 private:
  class CrashingProducer final : public Producer {
   public:
    CrashingProducer(CrashingBus& bus, std::unique_ptr<Producer> producer)
        : bus_(bus), producer_(std::move(producer)) {}

    std::size_t SendTogether(std::span<ToSend> records, absl::Status& error) override {
      for (std::size_t i = 0; i < records.size(); ++i) {
        error = SendOne(records[i].record, records[i].done);
        if (!error.ok()) return i;
      }
      return records.size();
    }
    absl::Status SendOne(const OutgoingRecord& record, DeliveryHandler& done) {
      if (broken_ || bus_.dead()) {
        done(WithReason(absl::CancelledError("after the crash"), "NOT_DELIVERED"));
        return absl::OkStatus();
      }
      const Crash crash = bus_.Count();
      if (crash == Crash::kNone) return producer_->Send(record, std::move(done));
      broken_ = true;
      if (crash == Crash::kAfterWriting) {
        absl::Status sent = producer_->Send(record, [](const absl::StatusOr<Delivery>&) {});
        if (sent.ok()) sent = producer_->Flush(absl::Seconds(30));
        if (!sent.ok()) return sent;
      }
      bus_.SetCrashed();
      done(WithReason(absl::UnavailableError("crashed"), "DELIVERY_UNKNOWN"));
      return absl::OkStatus();
    }
    absl::Status WaitForRoom(std::size_t bytes, absl::Duration timeout) override {
      return producer_->WaitForRoom(bytes, timeout);
    }
    absl::Status Flush(absl::Duration timeout) override { return producer_->Flush(timeout); }
    std::size_t in_flight() const override { return producer_->in_flight(); }
    absl::Status health() const override { return producer_->health(); }

   private:
    CrashingBus& bus_;
    std::unique_ptr<Producer> producer_;
    bool broken_ = false;
  };

  Crash Count() {
    absl::MutexLock lock(&mu_);
    return left_ > 0 && --left_ == 0 ? how_ : Crash::kNone;
  }
  void SetCrashed() {
    absl::MutexLock lock(&mu_);
    crashed_ = true;
  }
  bool dead() const {
    absl::MutexLock lock(&mu_);
    return crashed_ && afterwards_ == Afterwards::kDead;
  }

  Bus& bus_;
  mutable absl::Mutex mu_;
  int left_ ABSL_GUARDED_BY(mu_) = 0;
  Crash how_ ABSL_GUARDED_BY(mu_) = Crash::kNone;
  Afterwards afterwards_ ABSL_GUARDED_BY(mu_) = Afterwards::kDead;
  bool crashed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_TESTS_CRASHING_BUS_H_
