// The bus's contract against a real broker.
#include <gtest/gtest.h>

#include <memory>

#include "daybook/bus/kafka/kafka_bus.h"
#include "daybook/bus/kafka/tests/broker.h"
#include "daybook/testing/bus_contract.h"

namespace daybook::bus {
namespace {

class KafkaHarness : public testing::BusHarness {
 public:
  absl::StatusOr<std::unique_ptr<Bus>> Open() override {
    return OpenKafkaBus({.brokers = testing::SharedBroker().plain().bootstrap,
                         .properties = {{"topic.metadata.propagation.max.ms", "1000"}}});
  }
};

[[maybe_unused]] const bool registered =
    testing::RegisterBusContract("KafkaBusContract", [] { return std::make_unique<KafkaHarness>(); });

}  // namespace
}  // namespace daybook::bus
