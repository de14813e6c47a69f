#include "beneficiary/command_service/settings.h"

#include <string>
#include <vector>

#include "beneficiary/app/kafka_settings.h"
#include "daybook/base/config.h"
#include "daybook/base/status.h"

DAYBOOK_FLAG(std::string, data_dir, "Storage", "beneficiary-command-data",
             "the directory of this process: events/0; created if it is not there");
DAYBOOK_FLAG(absl::Duration, outcome_retention, "Storage", absl::Hours(168),
             "how long a command's outcome is kept; a command that comes again later is refused or done again");

DAYBOOK_FLAG(std::string, admin_address, "Edges", "127.0.0.1:9092",
             "where /livez, /readyz, /metrics, /status and /version are");
DAYBOOK_FLAG(absl::Duration, drain_timeout, "Edges", absl::Seconds(10),
             "how long commands in flight, and then events not published, may take to finish after SIGTERM");

DAYBOOK_FLAG(int, in_flight_max, "Topics", 4096, "commands read and not answered; more are not read");
DAYBOOK_FLAG(std::vector<std::string>, forget_positions, "Topics", {},
             "command topics to read from their first record again, because they were made anew");
DAYBOOK_FLAG(bool, create_topics, "Topics", true, "make the topics that are not there");
DAYBOOK_FLAG(
    std::string, replay_dead_letters, "Instead of serving", "",
    "send the dead letters of this command topic back to it, unless a later command has overtaken them, and end");
DAYBOOK_FLAG(int, replication, "Topics", 1, "of the topics that it makes");

namespace beneficiary {

using daybook::FlagValue;

absl::StatusOr<CommandSettings> ReadCommandSettings() {
  CommandSettings settings;
  settings.data_dir = FlagValue(FLAGS_data_dir);
  settings.outcome_retention = FlagValue(FLAGS_outcome_retention);
  settings.admin_address = FlagValue(FLAGS_admin_address);
  settings.drain_timeout = FlagValue(FLAGS_drain_timeout);
  settings.forget_positions = FlagValue(FLAGS_forget_positions);
  settings.create_topics = FlagValue(FLAGS_create_topics);
  settings.replay_dead_letters = FlagValue(FLAGS_replay_dead_letters);
  settings.replication = FlagValue(FLAGS_replication);
  const int in_flight_max = FlagValue(FLAGS_in_flight_max);
  DAYBOOK_ASSIGN_OR_RETURN(settings.kafka, ReadKafkaSettings("beneficiary-command"));
  if (settings.data_dir.empty()) return absl::InvalidArgumentError("--data_dir must not be empty");
  if (settings.admin_address.empty()) return absl::InvalidArgumentError("--admin_address must not be empty");
  if (settings.kafka.brokers.empty()) return absl::InvalidArgumentError("--kafka_brokers must be given");
  if (settings.outcome_retention <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("--outcome_retention must be longer than nothing");
  }
  if (in_flight_max < 1 || in_flight_max > 1'000'000) {
    return absl::InvalidArgumentError("--in_flight_max must be 1 to 1000000");
  }
  if (settings.replication < 1 || settings.replication > 32) {
    return absl::InvalidArgumentError("--replication must be 1 to 32");
  }
  settings.in_flight_max = static_cast<std::size_t>(in_flight_max);
  return settings;
}

}  // namespace beneficiary
