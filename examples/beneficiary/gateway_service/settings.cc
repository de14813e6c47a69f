#include "beneficiary/gateway_service/settings.h"

#include "absl/strings/str_cat.h"
#include "beneficiary/app/kafka_settings.h"
#include "beneficiary/gateway_service/live_settings.h"
#include "daybook/base/config.h"
#include "daybook/base/status.h"

DAYBOOK_FLAG(std::string, data_dir, "Storage", "beneficiary-gateway-data",
             "the directory of this process: gateway-<instance>, dead-letters; created if it is not there");
DAYBOOK_FLAG(std::string, admin_address, "Edges", "127.0.0.1:9092",
             "where /livez, /readyz, /metrics, /version and /status are; empty = nowhere");
DAYBOOK_FLAG(absl::Duration, drain_timeout, "Edges", absl::Seconds(10),
             "how long what is in the outbox may take to be published after SIGTERM");
DAYBOOK_FLAG(std::string, group, "Sharing", "beneficiary-gateway",
             "of all processes with the same group one publishes, and another takes over when it dies or hangs");
DAYBOOK_FLAG(absl::Duration, session_timeout, "Sharing", absl::Seconds(6),
             "without a sign of life from the one that publishes for so long, another takes over");
DAYBOOK_FLAG(absl::Duration, hang_timeout, "Sharing", absl::Seconds(30), "likewise if it lives and makes no progress");
DAYBOOK_FLAG(int, command_partitions, "Sharing", 1,
             "partitions of the command topics, if they are not there yet; beneficiary-command demands 1");
DAYBOOK_FLAG(std::string, replay_dead_letters, "Instead of serving", "",
             "send the dead letters of this captured topic back, for the running gateways to take in, and end");

namespace beneficiary::gateway_service {

using daybook::FlagValue;

absl::StatusOr<Settings> ReadSettings() {
  Settings settings;
  DAYBOOK_ASSIGN_OR_RETURN(settings.kafka, ReadKafkaSettings("beneficiary-gateway"));
  DAYBOOK_ASSIGN_OR_RETURN(settings.live, ReadLiveSettings());
  settings.live.data_dir = FlagValue(FLAGS_data_dir);
  settings.live.group = FlagValue(FLAGS_group);
  settings.live.session_timeout = FlagValue(FLAGS_session_timeout);
  settings.live.hang_timeout = FlagValue(FLAGS_hang_timeout);
  settings.live.command_partitions = FlagValue(FLAGS_command_partitions);
  settings.admin_address = FlagValue(FLAGS_admin_address);
  settings.drain_timeout = FlagValue(FLAGS_drain_timeout);
  settings.replay_dead_letters = FlagValue(FLAGS_replay_dead_letters);
  if (settings.kafka.brokers.empty()) return absl::InvalidArgumentError("--kafka_brokers is missing");
  if (settings.live.sources.empty()) return absl::InvalidArgumentError("--bos is missing: uk:bos-uk");
  if (settings.live.data_dir.empty()) return absl::InvalidArgumentError("--data_dir must not be empty");
  if (settings.live.group.empty()) return absl::InvalidArgumentError("--group must not be empty");
  if (settings.live.command_partitions < 1 || settings.live.command_partitions > 10'000) {
    return absl::InvalidArgumentError("--command_partitions must be 1 to 10000");
  }
  if (settings.live.session_timeout < absl::Milliseconds(200)) {
    return absl::InvalidArgumentError("--session_timeout must be at least 200ms");
  }
  if (settings.live.hang_timeout < settings.live.session_timeout) {
    return absl::InvalidArgumentError("--hang_timeout must not be shorter than --session_timeout");
  }
  return settings;
}

}  // namespace beneficiary::gateway_service
