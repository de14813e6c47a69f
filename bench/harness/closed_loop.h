#ifndef DAYBOOK_BENCH_HARNESS_CLOSED_LOOP_H_
#define DAYBOOK_BENCH_HARNESS_CLOSED_LOOP_H_

#include <cstdint>
#include <functional>

#include "absl/time/time.h"

namespace daybook::bench {

// What a closed loop measured.
struct LoopResult {
  double per_second = 0;
  double p50_us = 0;
  double p99_us = 0;
  std::uint64_t errors = 0;
};

// Starts work number `i` and calls `done(ok)` once when it is finished, from any thread.
using StartWork = std::function<void(std::uint64_t i, std::function<void(bool ok)> done)>;

// Keeps `in_flight` pieces of work going for `duration`: each completion starts the next from its own thread, so no
// client thread blocks. Returns when the last one has finished. `first` numbers the first piece.
LoopResult RunClosedLoop(std::uint64_t first, int in_flight, absl::Duration duration, const StartWork& start);

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_HARNESS_CLOSED_LOOP_H_
