#ifndef BENEFICIARY_PROCESS_METRICS_H_
#define BENEFICIARY_PROCESS_METRICS_H_

#include <functional>
#include <memory>

#include "beneficiary/app/bos_feed.h"
#include "beneficiary/app/engine.h"
#include "daybook/grpc/server.h"
#include "daybook/http/server.h"
#include "daybook/observe/metrics.h"

namespace beneficiary {

// Counts answered requests by route and status, with their latencies.
//
//   server_options.on_answered = HttpMetrics(metrics);
//
// Thread safety: the function from any thread. The metrics outlive it.
std::function<void(const daybook::http::Answered&)> HttpMetrics(daybook::observe::Metrics& metrics);

// Counts answered calls by method and code, with their latencies.
//
//   server_options.on_answered = GrpcMetrics(metrics);
//
// Thread safety: the function from any thread. The metrics outlive it.
std::function<void(const daybook::rpc::Answered&)> GrpcMetrics(daybook::observe::Metrics& metrics);

// Shows what the engine and the feed count. Both outlive the metrics.
void ExposeEngine(Engine& engine, daybook::observe::Metrics& metrics);
void ExposeFeed(const BosFeed& feed, daybook::observe::Metrics& metrics);

}  // namespace beneficiary

#endif  // BENEFICIARY_PROCESS_METRICS_H_
