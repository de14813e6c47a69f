#ifndef BENEFICIARY_SWITCH_SWITCH_METRICS_H_
#define BENEFICIARY_SWITCH_SWITCH_METRICS_H_

#include <functional>

#include "beneficiary/switch/evidence.h"
#include "beneficiary/switch/mode_table.h"
#include "beneficiary/switch/switch.h"
#include "daybook/observe/metrics.h"

namespace beneficiary::switching {

// Counts for Prometheus whatever the evidence is told. The metrics outlive the observer.
EvidenceObserver CountingObserver(daybook::observe::Metrics& metrics);

// Shows the modes and what is under way. `modes` and `parallel` outlive the metrics.
void ExposeSwitch(const ModeTable& modes, const Switch& parallel, daybook::observe::Metrics& metrics);

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_SWITCH_METRICS_H_
