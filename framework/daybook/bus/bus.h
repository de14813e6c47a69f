#ifndef DAYBOOK_BUS_BUS_H_
#define DAYBOOK_BUS_BUS_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daybook/bus/admin.h"
#include "daybook/bus/consumer.h"
#include "daybook/bus/membership.h"
#include "daybook/bus/producer.h"
#include "daybook/bus/transaction.h"

namespace daybook::bus {

// One value for the application's metrics.
struct Figure {
  enum class Kind { kGauge, kCounter };  // a counter's value is its total so far
  Kind kind = Kind::kGauge;
  std::string name;  // bus_consumer_lag_records
  std::string help;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

// Gets a client's figures from time to time, on a thread of the bus: quick, and without calling the bus.
using FiguresHandler = std::function<void(std::span<const Figure>)>;

// Topics of records between processes: Kafka (bus/kafka/kafka_bus.h), or the same within one process for tests and the
// embedded default (bus/memory/memory_bus.h). testing/bus_contract.h is the suite that both pass.
//
//   std::unique_ptr<Bus> bus = *OpenKafkaBus({.brokers = "127.0.0.1:9092"});
//   auto consumer = *bus->NewConsumer({.name = "query"});
//
// Thread safety: every method from any thread. What it makes must be destroyed before it.
// Errors of all makers: kInvalidArgument for a malformed option, naming it. Making one does not wait for a broker.
class Bus {
 public:
  virtual ~Bus() = default;

  virtual absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) = 0;
  virtual absl::StatusOr<std::unique_ptr<Producer>> NewProducer(const ProducerOptions& options) = 0;
  virtual absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(
      const TransactionalProducerOptions& options) = 0;
  virtual absl::StatusOr<std::unique_ptr<Membership>> Join(const MembershipOptions& options) = 0;

  // Lives as long as the bus.
  virtual Admin& admin() = 0;
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_BUS_H_
