#ifndef BENEFICIARY_ADMIN_BUS_FIGURES_H_
#define BENEFICIARY_ADMIN_BUS_FIGURES_H_

#include "daybook/bus/bus.h"
#include "daybook/observe/metrics.h"

namespace beneficiary {

// Shows what the clients of the brokers count, as gauges: they tell totals.
//
//   kafka.figures = BusFigures(metrics);
//
// Thread safety: the function from any thread. The metrics outlive it.
daybook::bus::FiguresHandler BusFigures(daybook::observe::Metrics& metrics);

}  // namespace beneficiary

#endif  // BENEFICIARY_ADMIN_BUS_FIGURES_H_
