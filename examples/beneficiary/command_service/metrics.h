#ifndef BENEFICIARY_COMMAND_SERVICE_METRICS_H_
#define BENEFICIARY_COMMAND_SERVICE_METRICS_H_

#include <functional>
#include <span>
#include <string>

#include "beneficiary/command_service/command_side.h"
#include "daybook/bus/bus.h"
#include "daybook/observe/metrics.h"

namespace beneficiary {

// What beneficiary-command shows at /metrics, and at /status. Thread safety: free functions, from any thread; what they
// return too. The metrics outlive it.

// Histograms: command_topic_to_decided_seconds, bos_to_decided_seconds.
std::function<void(const daybook::bus::AnsweredCommand&)> CommandLatencies(daybook::observe::Metrics& metrics);
// Histograms by topic: durable_to_topic_seconds, decided_to_topic_seconds.
std::function<void(const daybook::bus::PublishedRecord&)> PublishLatencies(daybook::observe::Metrics& metrics);

// The callbacks refer to `side`, which must outlive every Text() of `metrics`.
void ExposeCommandSide(CommandSide& side, daybook::observe::Metrics& metrics);

// {"stages": {"commands": {…}, "events": {…}}}: how far each stage is behind now.
std::string StatusOf(CommandSide& side);

}  // namespace beneficiary

#endif  // BENEFICIARY_COMMAND_SERVICE_METRICS_H_
