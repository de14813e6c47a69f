#ifndef BENEFICIARY_PROCESS_METRICS_H_
#define BENEFICIARY_PROCESS_METRICS_H_

#include "beneficiary/app/bos_feed.h"
#include "beneficiary/app/engine.h"
#include "daybook/observe/metrics.h"

namespace beneficiary {

// Shows what the engine (but for its read models: serving/status.h) and the feed count. Both outlive the metrics.
void ExposeEngine(Engine& engine, daybook::observe::Metrics& metrics);
void ExposeFeed(const BosFeed& feed, daybook::observe::Metrics& metrics);

}  // namespace beneficiary

#endif  // BENEFICIARY_PROCESS_METRICS_H_
