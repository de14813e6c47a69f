#ifndef DAYBOOK_BENCH_HARNESS_HTTP_LOAD_H_
#define DAYBOOK_BENCH_HARNESS_HTTP_LOAD_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/time/time.h"
#include "harness/closed_loop.h"

namespace daybook::bench {

// Keeps `connections` keep-alive connections to 127.0.0.1:`port` busy from one thread for `duration`, one request at a
// time on each. `request(i)` gives the bytes of request i. Any status but 200 is an error, and so is a body whose
// length is not `Content-Length`.
LoopResult RunHttpLoad(std::uint16_t port, int connections, absl::Duration duration,
                       const std::function<std::string(std::uint64_t i)>& request);

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_HARNESS_HTTP_LOAD_H_
