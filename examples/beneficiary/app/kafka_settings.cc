#include "beneficiary/app/kafka_settings.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/config.h"

DAYBOOK_FLAG(std::string, kafka_brokers, "Kafka", "", "where the brokers are: host:port,host:port; empty = no Kafka");
DAYBOOK_FLAG(std::string, kafka_security, "Kafka", "plaintext", "plaintext, or tls");
DAYBOOK_FLAG(std::string, kafka_ca_file, "Kafka", "",
             "tls: certificates of the authorities to trust (PEM); empty = the system's");
DAYBOOK_FLAG(std::string, kafka_certificate_file, "Kafka", "", "tls: this process's own certificate (PEM)");
DAYBOOK_FLAG(std::string, kafka_key_file, "Kafka", "", "tls: the key of that certificate (PEM)");
DAYBOOK_FLAG(std::string, kafka_key_password, "Kafka", "", "tls: the password of that key");
DAYBOOK_FLAG(std::string, kafka_sasl_mechanism, "Kafka", "", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; empty = no SASL");
DAYBOOK_FLAG(std::string, kafka_sasl_username, "Kafka", "", "SASL: who this process is");
DAYBOOK_FLAG(std::string, kafka_sasl_password, "Kafka", "", "SASL: its password; better in the environment");
DAYBOOK_FLAG(std::vector<std::string>, kafka_properties, "Kafka", {},
             "more settings of librdkafka as name=value, with commas between them");

namespace beneficiary {

using daybook::FlagValue;

absl::StatusOr<daybook::bus::KafkaOptions> ReadKafkaSettings(std::string_view client_id) {
  daybook::bus::KafkaOptions options;
  options.brokers = FlagValue(FLAGS_kafka_brokers);
  options.client_id = std::string(client_id);
  daybook::bus::KafkaSecurity& security = options.security;
  const std::string transport = FlagValue(FLAGS_kafka_security);
  if (transport == "tls") {
    security.transport = daybook::bus::KafkaSecurity::Transport::kTls;
  } else if (transport != "plaintext") {
    return absl::InvalidArgumentError(absl::StrCat("--kafka_security is plaintext or tls, not ", transport));
  }
  security.ca_file = FlagValue(FLAGS_kafka_ca_file);
  security.certificate_file = FlagValue(FLAGS_kafka_certificate_file);
  security.key_file = FlagValue(FLAGS_kafka_key_file);
  security.key_password = FlagValue(FLAGS_kafka_key_password);
  security.sasl_mechanism = FlagValue(FLAGS_kafka_sasl_mechanism);
  security.sasl_username = FlagValue(FLAGS_kafka_sasl_username);
  security.sasl_password = FlagValue(FLAGS_kafka_sasl_password);
  for (const std::string& property : FlagValue(FLAGS_kafka_properties)) {
    const std::size_t equals = property.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(absl::StrCat("--kafka_properties: \"", property, "\" is not name=value"));
    }
    options.properties[property.substr(0, equals)] = property.substr(equals + 1);
  }
  return options;
}

}  // namespace beneficiary
