#ifndef BENEFICIARY_QUERY_SERVICE_SETTINGS_H_
#define BENEFICIARY_QUERY_SERVICE_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "beneficiary/serving/edge_settings.h"
#include "daybook/bus/kafka/kafka_bus.h"

namespace beneficiary::query {

// Every setting of the process, as the command line, the environment (QUERY_…) and --config give it.
//
//   daybook::ParseConfigOrExit(argc, argv, …);
//   absl::StatusOr<Settings> settings = ReadSettings();
//
// Thread safety: a value type. docs/reference/query-service.md lists them.
struct Settings {
  std::string data_dir;
  std::vector<std::string> events_topics;
  std::string compat_instance;
  EdgeSettings edges;
  daybook::bus::KafkaOptions kafka;
};

// kInvalidArgument: settings that make no sense; the message names them.
absl::StatusOr<Settings> ReadSettings();

}  // namespace beneficiary::query

#endif  // BENEFICIARY_QUERY_SERVICE_SETTINGS_H_
