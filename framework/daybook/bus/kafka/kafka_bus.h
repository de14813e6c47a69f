#ifndef DAYBOOK_BUS_KAFKA_KAFKA_BUS_H_
#define DAYBOOK_BUS_KAFKA_KAFKA_BUS_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/bus.h"

namespace daybook::bus {

// How the connection is protected. Files are PEM.
struct KafkaSecurity {
  enum class Transport { kPlaintext, kTls };
  Transport transport = Transport::kPlaintext;
  std::string ca_file;           // whom to trust; "" = the system's authorities
  std::string certificate_file;  // mutual TLS: this client's certificate …
  std::string key_file;          // … and its key
  std::string key_password;

  std::string sasl_mechanism;  // "" = no SASL; PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
  std::string sasl_username;
  std::string sasl_password;
};

struct KafkaOptions {
  std::string brokers;  // "host:port,host:port"
  std::string client_id = "daybook";
  KafkaSecurity security;
  // librdkafka's settings, as in its CONFIGURATION.md, for every client; for producers or consumers only with the
  // prefix "producer." or "consumer.". Those that correctness rests on are refused with the option to use instead.
  std::map<std::string, std::string> properties;
  absl::Duration figures_interval = absl::Seconds(5);
  FiguresHandler figures;  // none: no figures
};

// Topics on a Kafka cluster, by librdkafka. Does not connect before it is used.
// kInvalidArgument: an option or property that is unknown, malformed or refused, naming it; kNotFound: a file
// of `security` that cannot be read.
absl::StatusOr<std::unique_ptr<Bus>> OpenKafkaBus(const KafkaOptions& options);

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_KAFKA_KAFKA_BUS_H_
