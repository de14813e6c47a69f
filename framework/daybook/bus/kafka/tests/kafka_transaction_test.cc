// What transactions come to that a broker answers as Kafka only does now and then.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdint>
#include <string>

#include "daybook/base/clock.h"
#include "daybook/bus/kafka/internal/client.h"
#include "daybook/bus/kafka/kafka_bus.h"
#include "daybook/bus/kafka/tests/broker.h"

namespace daybook::bus {
namespace {

using testing::kBrokerLimit;

// librdkafka's own stand-in for a broker, which answers what it is told to.
class AnsweringBroker {
 public:
  AnsweringBroker() {
    auto conf = client_.MakeConf({});
    EXPECT_TRUE(conf.ok()) << conf.status();
    EXPECT_TRUE(client_.Start(*std::move(conf)).ok());
    cluster_ = rd_kafka_mock_cluster_new(client_.get(), 1);
  }
  ~AnsweringBroker() { rd_kafka_mock_cluster_destroy(cluster_); }

  std::string bootstrap() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  // The next request of this kind (Kafka's protocol, "Api Keys") fails so.
  void Refuse(std::int16_t api_key, rd_kafka_resp_err_t error) {
    rd_kafka_mock_push_request_errors(cluster_, api_key, 1, error);
  }

 private:
  internal::Client client_{{.brokers = "127.0.0.1:1"}, internal::Role::kProducer, "broker"};
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

constexpr std::int16_t kProduce = 0;
constexpr std::int16_t kEndTxn = 26;

// Kafka checks a record of a transaction in two steps. If another producer of the id comes in between and ends the
// transaction, the record is refused for having none, as it is when nobody came; only the coordinator tells them apart.
TEST(KafkaTransactionTest, OneWhoseRecordMetTheEndOfItsTransactionHearsOfTheFenceWhenItAborts) {
  AnsweringBroker broker;
  const auto bus = *OpenKafkaBus({.brokers = broker.bootstrap()});
  const auto producer = *bus->NewTransactionalProducer({.id = "writer", .topics = {"topic"}});
  ASSERT_TRUE(producer->Init(kBrokerLimit).ok());
  ASSERT_TRUE(producer->Begin().ok());
  broker.Refuse(kProduce, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE);
  broker.Refuse(kEndTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
  ASSERT_TRUE(producer->Send({.topic = "topic", .value = "never"}).ok());
  const absl::Status flushed = producer->Flush(kBrokerLimit);
  EXPECT_EQ(FailureOf(flushed), TransactionFailure::kAbort) << flushed;
  const absl::Status committed = producer->Commit(kBrokerLimit);
  EXPECT_EQ(FailureOf(committed), TransactionFailure::kAbort) << committed;
  const absl::Status aborted = producer->Abort(kBrokerLimit);
  EXPECT_EQ(FailureOf(aborted), TransactionFailure::kFenced) << aborted;
  EXPECT_EQ(FailureOf(producer->Begin()), TransactionFailure::kFenced);
}

}  // namespace
}  // namespace daybook::bus
