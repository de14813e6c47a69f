#ifndef DAYBOOK_BENCH_HARNESS_HTTP_LOAD_H_
#define DAYBOOK_BENCH_HARNESS_HTTP_LOAD_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/time/time.h"
#include "harness/closed_loop.h"

namespace daybook::bench {

struct HttpLoadOptions {
  std::uint16_t port = 0;  // on 127.0.0.1
  int connections = 1;     // kept open, one request at a time on each
  absl::Duration duration = absl::Seconds(1);
  double rate = 0;          // requests a second, due at even times; 0 = each answer starts the next request
  std::uint64_t first = 0;  // the number of the first request
};

struct HttpLoadResult : LoopResult {
  std::uint64_t answered = 0;
  std::uint64_t body_bytes = 0;
  double seconds = 0;
  double cpu_seconds = 0;  // of this thread
};

// The bytes of request `i`; they live until the next call.
using RequestBytes = std::function<std::string_view(std::uint64_t i)>;

// Asks from this thread for `duration`, waits for the last answers, and tells what came. Any status but 2xx is an
// error, and so is a body whose length is not `Content-Length`. With a rate, a latency counts from when the request was
// due: a server that falls behind is not spared.
HttpLoadResult RunHttpLoad(const HttpLoadOptions& options, const RequestBytes& request);

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_HARNESS_HTTP_LOAD_H_
