#ifndef BENEFICIARY_SETTINGS_H_
#define BENEFICIARY_SETTINGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/gateway_service/live_gateway.h"
#include "beneficiary/serving/edge_settings.h"
#include "daybook/bus/kafka/kafka_bus.h"

namespace beneficiary {

// Every setting of the process, as the command line, the environment (BENEFICIARY_…) and --config give it.
//
//   daybook::ParseConfigOrExit(argc, argv, SettingsSource());
//   absl::StatusOr<Settings> settings = ReadSettings();
//
// Thread safety: a value type. docs/reference/configuration.md lists them.
struct Settings {
  std::string data_dir;
  EdgeSettings edges;
  absl::Duration outcome_retention;
  std::string bos_records;
  std::string bos_instance;
  std::string compat_instance;
  daybook::bus::KafkaOptions kafka;  // no brokers: no live topics
  LiveGatewayOptions live;           // sources, and what to do about topics that do not go on where they should
  enum class Mode { kServe, kDryRun, kVerify } mode = Mode::kServe;
};

// kInvalidArgument: settings that make no sense or do not go together; the message names them.
absl::StatusOr<Settings> ReadSettings();

}  // namespace beneficiary

#endif  // BENEFICIARY_SETTINGS_H_
