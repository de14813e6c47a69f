#ifndef DAYBOOK_TESTING_FAKE_CLOCK_H_
#define DAYBOOK_TESTING_FAKE_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"

namespace daybook::testing {

// A clock that stands still until told to move.
//
//   FakeClock clock(Timestamp::FromMillis(1700));
//   clock.Advance(absl::Seconds(5));   // both times move
//   clock.StepWall(-absl::Hours(1));   // the administrator sets the clock back; Monotonic() does not notice
//
// Thread safety: every method from any thread.
// Invariant: Monotonic() never goes backwards.
class FakeClock final : public Clock {
 public:
  FakeClock() = default;
  explicit FakeClock(Timestamp now) : now_(now) {}

  Timestamp Now() const override {
    absl::MutexLock lock(&mu_);
    return now_;
  }
  absl::Duration Monotonic() const override {
    absl::MutexLock lock(&mu_);
    return monotonic_;
  }

  // Moves both times forward by `step`; a negative step counts as zero.
  void Advance(absl::Duration step) {
    if (step < absl::ZeroDuration()) return;
    absl::MutexLock lock(&mu_);
    now_ = FromAbslTime(ToAbslTime(now_) + step);
    monotonic_ += step;
  }

  // Moves the time of day only, in either direction.
  void StepWall(absl::Duration step) {
    absl::MutexLock lock(&mu_);
    now_ = FromAbslTime(ToAbslTime(now_) + step);
  }

 private:
  mutable absl::Mutex mu_;
  Timestamp now_ ABSL_GUARDED_BY(mu_);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
};

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_FAKE_CLOCK_H_
