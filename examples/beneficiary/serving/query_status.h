#ifndef BENEFICIARY_SERVING_QUERY_STATUS_H_
#define BENEFICIARY_SERVING_QUERY_STATUS_H_

#include "beneficiary/serving/lag_board.h"
#include "daybook/base/clock.h"
#include "daybook/observe/admin_endpoints.h"
#include "daybook/observe/metrics.h"
#include "daybook/projection/projector.h"

namespace beneficiary {

// The page /status of the admin address: where each read model stands, and how long changes take through the stages up
// to it now. JSON; with ?text a table for people.
//
//   options.pages.push_back(StatusPage(queries->runner(), lags));
//
// Thread safety: the page from any thread. Runner and board outlive it.
daybook::observe::AdminEndpoints::Endpoint StatusPage(const daybook::projection::ProjectionRunner& runner,
                                                      const LagBoard& lags,
                                                      const daybook::Clock& clock = daybook::Clock::System());

// Shows where the read models stand. The runner outlives the metrics.
void ExposeReadModels(const daybook::projection::ProjectionRunner& runner, daybook::observe::Metrics& metrics);

}  // namespace beneficiary

#endif  // BENEFICIARY_SERVING_QUERY_STATUS_H_
