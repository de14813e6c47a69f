#include "daybook/bus/kafka/kafka_bus.h"

#include <utility>

#include "daybook/base/status.h"
#include "daybook/bus/kafka/internal/client.h"
#include "daybook/bus/kafka/internal/kafka_admin.h"
#include "daybook/bus/kafka/internal/kafka_consumer.h"
#include "daybook/bus/kafka/internal/kafka_membership.h"
#include "daybook/bus/kafka/internal/kafka_producer.h"
#include "daybook/bus/kafka/internal/kafka_transaction.h"

namespace daybook::bus {
namespace {

class KafkaBus : public Bus {
 public:
  KafkaBus(const KafkaOptions& options, std::unique_ptr<internal::KafkaAdmin> admin)
      : options_(options), admin_(std::move(admin)) {}

  absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) override {
    return internal::KafkaConsumer::Make(options_, options, *admin_);
  }
  absl::StatusOr<std::unique_ptr<Producer>> NewProducer(const ProducerOptions& options) override {
    return internal::KafkaProducer::Make(options_, options);
  }
  absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(
      const TransactionalProducerOptions& options) override {
    return internal::KafkaTransactionalProducer::Make(options_, options);
  }
  absl::StatusOr<std::unique_ptr<Membership>> Join(const MembershipOptions& options) override {
    return internal::KafkaMembership::Make(options_, options);
  }
  Admin& admin() override { return *admin_; }

 private:
  const KafkaOptions options_;
  const std::unique_ptr<internal::KafkaAdmin> admin_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Bus>> OpenKafkaBus(const KafkaOptions& options) {
  DAYBOOK_RETURN_IF_ERROR(internal::CheckOptions(options));
  DAYBOOK_ASSIGN_OR_RETURN(std::unique_ptr<internal::KafkaAdmin> admin, internal::KafkaAdmin::Make(options));
  return std::make_unique<KafkaBus>(options, std::move(admin));
}

}  // namespace daybook::bus
