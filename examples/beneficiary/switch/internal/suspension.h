#ifndef BENEFICIARY_SWITCH_INTERNAL_SUSPENSION_H_
#define BENEFICIARY_SWITCH_INTERNAL_SUSPENSION_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace beneficiary::switching::internal {

// Whether a side that keeps failing is worth asking: after `after` failures in a row, once in `pause`, until it
// answers.
//
//   if (suspension.Admits(now)) Ask(…) else FallBack(…);
//
// Thread safety: every method from any thread.
class Suspension {
 public:
  Suspension(int after, absl::Duration pause) : after_(after), pause_(pause) {}

  bool Admits(absl::Duration now) {
    absl::MutexLock lock(&mu_);
    if (failures_ < after_) return true;
    if (now < until_) return false;
    until_ = now + pause_;  // this one finds out; the others wait for it
    return true;
  }
  void Succeeded() {
    absl::MutexLock lock(&mu_);
    failures_ = 0;
  }
  void Failed(absl::Duration now) {
    absl::MutexLock lock(&mu_);
    if (failures_ < after_) ++failures_;
    if (failures_ >= after_) until_ = now + pause_;
  }
  bool suspended() const {
    absl::MutexLock lock(&mu_);
    return failures_ >= after_;
  }

 private:
  const int after_;
  const absl::Duration pause_;
  mutable absl::Mutex mu_;
  int failures_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration until_ ABSL_GUARDED_BY(mu_);
};

}  // namespace beneficiary::switching::internal

#endif  // BENEFICIARY_SWITCH_INTERNAL_SUSPENSION_H_
