#ifndef BENEFICIARY_GATEWAY_SERVICE_SETTINGS_H_
#define BENEFICIARY_GATEWAY_SERVICE_SETTINGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/gateway_service/live_gateway.h"
#include "daybook/bus/kafka/kafka_bus.h"

namespace beneficiary::gateway_service {

// Every setting of beneficiary-gateway, as the command line, the environment (GATEWAY_…) and --config give it.
//
//   daybook::ParseConfigOrExit(argc, argv, {.program = "beneficiary-gateway", .env_prefix = "GATEWAY"});
//   DAYBOOK_ASSIGN_OR_RETURN(Settings settings, ReadSettings());
//
// Thread safety: a value type. docs/reference/configuration.md lists them.
struct Settings {
  daybook::bus::KafkaOptions kafka;
  LiveGatewayOptions live;
  std::string admin_address;
  absl::Duration drain_timeout;
  std::string replay_dead_letters;  // a topic: send its dead letters back and end
};

// kInvalidArgument: a setting that makes no sense; the message names it.
absl::StatusOr<Settings> ReadSettings();

}  // namespace beneficiary::gateway_service

#endif  // BENEFICIARY_GATEWAY_SERVICE_SETTINGS_H_
