#include "daybook/bus/kafka/kafka_bus.h"

namespace daybook::bus {

absl::StatusOr<std::unique_ptr<Bus>> OpenKafkaBus(const KafkaOptions&) {
  return absl::UnimplementedError("bus/kafka is not built yet");
}

}  // namespace daybook::bus
