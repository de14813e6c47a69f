#ifndef BENEFICIARY_APP_KAFKA_SETTINGS_H_
#define BENEFICIARY_APP_KAFKA_SETTINGS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "daybook/bus/kafka/kafka_bus.h"

namespace beneficiary {

// How every process of the service reaches Kafka: the settings kafka_brokers, kafka_ca_file … of the command line, the
// environment and --config, the same in each. A program that calls this has them.
//
//   DAYBOOK_ASSIGN_OR_RETURN(daybook::bus::KafkaOptions kafka, ReadKafkaSettings("beneficiary-gateway"));
//   if (!kafka.brokers.empty()) DAYBOOK_ASSIGN_OR_RETURN(bus, daybook::bus::OpenKafkaBus(kafka));
//
// `client_id` names the process to the brokers. kInvalidArgument: a setting that makes no sense; the message names it.
// Thread safety: from any thread, once the settings are read.
absl::StatusOr<daybook::bus::KafkaOptions> ReadKafkaSettings(std::string_view client_id);

}  // namespace beneficiary

#endif  // BENEFICIARY_APP_KAFKA_SETTINGS_H_
