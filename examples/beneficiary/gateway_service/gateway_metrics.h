#ifndef BENEFICIARY_GATEWAY_SERVICE_GATEWAY_METRICS_H_
#define BENEFICIARY_GATEWAY_SERVICE_GATEWAY_METRICS_H_

#include <span>

#include "absl/time/time.h"
#include "beneficiary/gateway_service/live_gateway.h"
#include "daybook/bus/bus.h"
#include "daybook/observe/metrics.h"

namespace beneficiary {

// Shows what a live gateway counts, by BOS instance. It outlives the metrics.
void ExposeLiveGateway(const LiveGateway& live, const std::vector<BosSource>& sources,
                       daybook::observe::Metrics& metrics);

// For LiveGatewayOptions::on_published: a histogram of the time from commit at the source to commit in the topic.
std::function<void(absl::Duration)> PublishedLatency(daybook::observe::Metrics& metrics);

// {"phase","error","bus","delivery","caught_up","takeovers","transactions","instances":[…],"partitions":[…]}: what an
// operator asks for first. docs/how-to/run-the-gateway.md explains it.
std::string StatusJson(const LiveGatewayStatus& status);

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_SERVICE_GATEWAY_METRICS_H_
