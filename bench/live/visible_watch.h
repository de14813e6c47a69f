#ifndef DAYBOOK_BENCH_LIVE_VISIBLE_WATCH_H_
#define DAYBOOK_BENCH_LIVE_VISIBLE_WATCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace daybook::bench {

struct VisibleWatchOptions {
  std::string address;                            // of the query API, host:port
  absl::Duration step = absl::Microseconds(500);  // between two questions for the same thing
  absl::Duration give_up = absl::Seconds(20);     // a text that is not seen by then is reported as never seen
  int input = 0;                                  // where lines come from
};

// When a text was first in an answer of the query API.
struct VisibleSeen {
  std::string token;
  std::int64_t at_us = 0;  // when the answer was there; 0 = never within give_up
  std::int64_t questions = 0;
};

// Reads lines "TOKEN PATH" from a file descriptor, and asks GET PATH over one kept connection, every `step`, until an
// answer contains TOKEN: what a client sees, a step late at most. Returns when the input has ended and everything was
// seen. kUnavailable: the API does not answer, or in another form than HTTP.
absl::StatusOr<std::vector<VisibleSeen>> WatchUntilVisible(const VisibleWatchOptions& options);

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_LIVE_VISIBLE_WATCH_H_
