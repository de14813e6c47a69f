#ifndef BENEFICIARY_GATEWAY_SERVICE_LIVE_SETTINGS_H_
#define BENEFICIARY_GATEWAY_SERVICE_LIVE_SETTINGS_H_

#include "absl/status/statusor.h"
#include "beneficiary/gateway_service/live_gateway.h"

namespace beneficiary {

// What every process that reads live topics is told alike: the settings bos, forget_positions and missing_history. A
// program that calls this has them. No sources: --bos was not given.
//
// kInvalidArgument: a setting that makes no sense; the message names it.
absl::StatusOr<LiveGatewayOptions> ReadLiveSettings();

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_SERVICE_LIVE_SETTINGS_H_
