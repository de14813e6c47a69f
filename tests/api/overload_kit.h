#ifndef DAYBOOK_TESTS_API_OVERLOAD_KIT_H_
#define DAYBOOK_TESTS_API_OVERLOAD_KIT_H_

#include <algorithm>
#include <cstdint>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "beneficiary/app/engine.h"
#include "beneficiary/domain/beneficiary.h"

namespace beneficiary {

// An engine with little room, so that a test can fill it.
inline EngineOptions LittleRoom() {
  EngineOptions options;
  options.partition.queue_commands_max = 4;
  options.partition.batch_commands_max = 2;
  return options;
}
// More than the queue, the batch being decided, and the batches staged and being committed take.
inline constexpr int kMoreThanThereIsRoomFor = 40;
inline constexpr int kRoomMax = 4 + 2 + 2 + 2;

// Keeps the partition from answering and committing, by a handler that waits, until it is let go.
class Standstill {
 public:
  explicit Standstill(Engine& engine) : engine_(engine) {
    engine_.beneficiaries().Execute("standstill", commands::v1::RegisterBeneficiary(), {},
                                    [this](const absl::StatusOr<daybook::runtime::CommandOutcome>&) {
                                      began_.Notify();
                                      ended_.WaitForNotification();
                                    });
    began_.WaitForNotification();
  }
  ~Standstill() { LetGo(); }
  void LetGo() {
    if (!ended_.HasBeenNotified()) ended_.Notify();
  }

  // True once so many commands were refused; false after a while.
  bool AwaitRefused(std::uint64_t commands) {
    const absl::Time limit = absl::Now() + absl::Seconds(30);
    while (engine_.partition().stats().commands_failed < commands) {
      if (absl::Now() > limit) return false;
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(&never_), absl::Milliseconds(2));
    }
    return true;
  }

 private:
  Engine& engine_;
  absl::Notification began_;
  absl::Notification ended_;
  absl::Mutex mu_;
  bool never_ = false;
};

}  // namespace beneficiary

#endif  // DAYBOOK_TESTS_API_OVERLOAD_KIT_H_
