#ifndef BENEFICIARY_COMMAND_SERVICE_SETTINGS_H_
#define BENEFICIARY_COMMAND_SERVICE_SETTINGS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/kafka/kafka_bus.h"

namespace beneficiary {

// Every setting of beneficiary-command. Thread safety: a value type. docs/reference/command-service.md lists them.
struct CommandSettings {
  std::string data_dir;
  absl::Duration outcome_retention;
  std::string admin_address;
  absl::Duration drain_timeout;
  std::size_t in_flight_max = 0;
  std::vector<std::string> forget_positions;
  bool create_topics = true;
  int replication = 1;
  std::string replay_dead_letters;  // of this topic, instead of serving
  daybook::bus::KafkaOptions kafka;
};

// kInvalidArgument: a setting that makes no sense; the message names it.
absl::StatusOr<CommandSettings> ReadCommandSettings();

}  // namespace beneficiary

#endif  // BENEFICIARY_COMMAND_SERVICE_SETTINGS_H_
