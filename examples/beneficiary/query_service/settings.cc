#include "beneficiary/query_service/settings.h"

#include "beneficiary/app/kafka_settings.h"
#include "daybook/base/config.h"
#include "daybook/base/status.h"

DAYBOOK_FLAG(std::string, data_dir, "Storage", "beneficiary-query-data",
             "the directory of the read models; created if it is not there, and may be deleted while nothing runs: "
             "they are then built again from the topics");

DAYBOOK_FLAG(std::vector<std::string>, events_topics, "Events",
             (std::vector<std::string>{"beneficiary.beneficiary.events.v1", "beneficiary.client.events.v1"}),
             "all topics over which the command service spreads its events");

DAYBOOK_FLAG(std::string, compat_instance, "BOS", "",
             "the BOS instance that /client/beneficiaries serves; by default the only one");

namespace beneficiary::query {

using daybook::FlagValue;

absl::StatusOr<Settings> ReadSettings() {
  Settings settings;
  settings.data_dir = FlagValue(FLAGS_data_dir);
  if (settings.data_dir.empty()) return absl::InvalidArgumentError("--data_dir must not be empty");
  settings.events_topics = FlagValue(FLAGS_events_topics);
  if (settings.events_topics.empty()) return absl::InvalidArgumentError("--events_topics must not be empty");
  settings.compat_instance = FlagValue(FLAGS_compat_instance);
  DAYBOOK_ASSIGN_OR_RETURN(settings.edges, ReadEdgeSettings());
  DAYBOOK_ASSIGN_OR_RETURN(settings.kafka, ReadKafkaSettings("beneficiary-query"));
  if (settings.kafka.brokers.empty()) return absl::InvalidArgumentError("--kafka_brokers must be given");
  return settings;
}

}  // namespace beneficiary::query
