#ifndef DAYBOOK_TESTING_EVENTUALLY_H_
#define DAYBOOK_TESTING_EVENTUALLY_H_

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"

namespace daybook::testing {

// Waits until `holds()` is true, which is asked about every millisecond: the way to wait in a test for what another
// thread or process does. False after `limit` of the machine's own time, whatever clock is injected elsewhere.
//
//   EXPECT_TRUE(Eventually([&] { return runner.Readiness().ok(); }));
//
// Thread safety: as that of `holds`, which is called on the caller's thread.
template <class Condition>
bool Eventually(Condition holds, absl::Duration limit = absl::Minutes(1)) {
  const absl::Duration until = MonotonicNow() + limit;
  absl::Mutex mu;
  bool never = false;
  while (!holds()) {
    if (MonotonicNow() > until) return false;
    absl::MutexLock lock(&mu);
    mu.AwaitWithTimeout(absl::Condition(&never), absl::Milliseconds(1));
  }
  return true;
}

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_EVENTUALLY_H_
