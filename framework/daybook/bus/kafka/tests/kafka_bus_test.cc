// What of the bus over Kafka is no part of the contract: settings, protected connections, figures.
#include "daybook/bus/kafka/kafka_bus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "daybook/base/clock.h"
#include "daybook/bus/kafka/tests/broker.h"
#include "daybook/testing/eventually.h"

namespace daybook::bus {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::kBrokerLimit;

KafkaOptions Plain() { return {.brokers = testing::SharedBroker().plain().bootstrap}; }

KafkaOptions OverTls(const testing::Listener& listener) {
  KafkaOptions options{.brokers = listener.bootstrap};
  options.security = {.transport = KafkaSecurity::Transport::kTls,
                      .ca_file = listener.ca_file,
                      .certificate_file = listener.certificate_file,
                      .key_file = listener.key_file};
  return options;
}

absl::Status WhyRefused(KafkaOptions options) { return OpenKafkaBus(options).status(); }

TEST(KafkaOptionsTest, AnUnknownPropertyIsNamed) {
  const absl::Status status = WhyRefused({.brokers = "127.0.0.1:1", .properties = {{"linger.mss", "1"}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("linger.mss"));
}

TEST(KafkaOptionsTest, ABadValueIsNamed) {
  const absl::Status status = WhyRefused({.brokers = "127.0.0.1:1", .properties = {{"producer.batch.size", "lots"}}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("batch.size"));
}

TEST(KafkaOptionsTest, WhatCorrectnessRestsOnIsNotFree) {
  for (const char* property : {"enable.idempotence", "consumer.isolation.level", "enable.auto.commit", "group.id"}) {
    const absl::Status status = WhyRefused({.brokers = "127.0.0.1:1", .properties = {{property, "false"}}});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(property) + " is not free; use ")) << property;
  }
}

TEST(KafkaOptionsTest, AMissingFileOrBrokerIsNamed) {
  KafkaOptions options{.brokers = "127.0.0.1:1"};
  options.security = {.transport = KafkaSecurity::Transport::kTls, .ca_file = "/no/such/ca.pem"};
  EXPECT_THAT(std::string(WhyRefused(options).message()), HasSubstr("/no/such/ca.pem"));
  EXPECT_THAT(std::string(WhyRefused({}).message()), HasSubstr("brokers is empty"));
}

TEST(KafkaBusTest, ABrokerThatIsNotThereIsUnhealthyAndNoError) {
  auto bus = OpenKafkaBus({.brokers = "127.0.0.1:1"});
  ASSERT_TRUE(bus.ok()) << bus.status();
  auto producer = *(*bus)->NewProducer({.name = "test"});
  EXPECT_TRUE(producer->Send({.topic = "x", .value = "1"}, nullptr).ok());
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  while (producer->health().ok() && MonotonicNow() < deadline) {
    EXPECT_EQ(producer->Flush(absl::Milliseconds(50)).code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_EQ(producer->health().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(producer->health().message()), HasSubstr("127.0.0.1:1"));
  auto consumer = *(*bus)->NewConsumer({.name = "test"});
  EXPECT_EQ(consumer->AssignTopics({"x"}, {}, absl::Milliseconds(300)).code(), absl::StatusCode::kUnavailable);
}

// Makes a topic and takes a record through it.
absl::Status RoundTrip(const KafkaOptions& options) {
  auto bus = OpenKafkaBus(options);
  if (!bus.ok()) return bus.status();
  const std::string topic = testing::UniqueName("topic");
  if (absl::Status made = (*bus)->admin().CreateTopic({.topic = topic}, kBrokerLimit); !made.ok()) return made;
  auto producer = *(*bus)->NewProducer({.name = "test"});
  absl::Status sent = producer->Send({.topic = topic, .value = "1"}, nullptr);
  if (sent.ok()) sent = producer->Flush(kBrokerLimit);
  if (!sent.ok()) return sent;
  auto consumer = *(*bus)->NewConsumer({.name = "test"});
  if (absl::Status assigned = consumer->AssignTopics({topic}, {}, kBrokerLimit); !assigned.ok()) return assigned;
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  absl::StatusOr<RecordBatch> batch = consumer->Poll({.timeout = kBrokerLimit});
  while (batch.ok() && batch->empty() && MonotonicNow() < deadline) batch = consumer->Poll({.timeout = kBrokerLimit});
  if (!batch.ok()) return batch.status();
  return batch->size() == 1 ? absl::OkStatus() : absl::InternalError("no record came");
}

// The policies of this process's threads whose names begin with `name`.
std::vector<int> PoliciesOf(std::string_view name) {
  std::vector<int> policies;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string thread;
    std::getline(std::ifstream(task.path() / "comm"), thread);
    if (thread.starts_with(name)) policies.push_back(sched_getscheduler(std::stoi(task.path().filename())));
  }
  return policies;
}

TEST(KafkaBusTest, AProducersThreadsLeaveTheProcessorToWhoeverGivesThemRecords) {
  const auto bus = *OpenKafkaBus(Plain());
  const auto producer = *bus->NewProducer({.name = "publisher"});
  EXPECT_TRUE(daybook::testing::Eventually([] {
    const std::vector<int> policies = PoliciesOf("rdk:broker");
    return std::find(policies.begin(), policies.end(), SCHED_BATCH) != policies.end();
  }));
}

TEST(KafkaBusTest, ATransactionSaysWhichTopicTakesNoRecordOfThatSize) {
  const auto bus = *OpenKafkaBus(Plain());
  const std::string topic = testing::UniqueName("narrow");
  ASSERT_TRUE(bus->admin().CreateTopic({.topic = topic, .config = {{"max.message.bytes", "1000"}}}, kBrokerLimit).ok());
  const auto producer = *bus->NewTransactionalProducer({.id = testing::UniqueName("writer"), .topics = {topic}});
  ASSERT_TRUE(producer->Init(kBrokerLimit).ok());
  ASSERT_TRUE(producer->Begin().ok());
  const std::string value(2000, 'x');
  ASSERT_TRUE(producer->Send({.topic = topic, .value = value}).ok());
  const absl::Status flushed = producer->Flush(kBrokerLimit);
  EXPECT_EQ(FailureOf(flushed), TransactionFailure::kAbort) << flushed;
  EXPECT_THAT(std::string(flushed.message()), AllOf(HasSubstr(topic), HasSubstr("MSG_SIZE_TOO_LARGE")));
}

TEST(KafkaSecurityTest, MutualTlsCarriesRecords) {
  const absl::Status status = RoundTrip(OverTls(testing::SharedBroker().tls()));
  EXPECT_TRUE(status.ok()) << status;
}

// What the health of a producer says when the broker has refused it, or it the broker.
std::string WhyItComesToNothing(const KafkaOptions& options) {
  auto bus = OpenKafkaBus(options);
  if (!bus.ok()) return std::string(bus.status().message());
  auto producer = *(*bus)->NewProducer({.name = "test", .topics = {"x"}});
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  while (producer->health().ok() && MonotonicNow() < deadline) {
    EXPECT_TRUE(producer->Flush(absl::Milliseconds(10)).ok());
  }
  EXPECT_EQ(producer->health().code(), absl::StatusCode::kUnavailable);
  return std::string(producer->health().message());
}

TEST(KafkaSecurityTest, AClientWithoutACertificateComesToNothing) {
  testing::Listener listener = testing::SharedBroker().tls();
  listener.certificate_file.clear();
  listener.key_file.clear();
  EXPECT_THAT(WhyItComesToNothing(OverTls(listener)), AllOf(HasSubstr("alert"), HasSubstr("certificate")));
}

TEST(KafkaSecurityTest, AStrangersCertificateComesToNothing) {
  testing::Listener listener = testing::SharedBroker().tls();
  listener.certificate_file = listener.stranger_certificate_file;
  listener.key_file = listener.stranger_key_file;
  EXPECT_THAT(WhyItComesToNothing(OverTls(listener)), AllOf(HasSubstr("alert"), HasSubstr("certificate")));
}

TEST(KafkaSecurityTest, ABrokerOfAnUnknownAuthorityIsNotTrusted) {
  KafkaOptions options = OverTls(testing::SharedBroker().tls());
  options.security.ca_file = testing::SharedBroker().tls().stranger_certificate_file;
  EXPECT_THAT(WhyItComesToNothing(options), HasSubstr("certificate verify failed"));
}

TEST(KafkaSecurityTest, APasswordIsCheckedByTheBroker) {
  const testing::Listener listener = testing::SharedBroker().sasl();
  for (const char* mechanism : {"PLAIN", "SCRAM-SHA-256"}) {
    KafkaOptions options = OverTls(listener);
    options.security.sasl_mechanism = mechanism;
    options.security.sasl_username = listener.username;
    options.security.sasl_password = listener.password;
    const absl::Status status = RoundTrip(options);
    EXPECT_TRUE(status.ok()) << mechanism << ": " << status;
    options.security.sasl_password = "wrong";
    EXPECT_THAT(WhyItComesToNothing(options), HasSubstr("uthentication failed")) << mechanism;
  }
}

TEST(KafkaFiguresTest, TheFiguresShowWhatPassed) {
  absl::Mutex mu;
  std::map<std::string, double> latest;
  KafkaOptions options = Plain();
  options.figures_interval = absl::Milliseconds(100);
  options.figures = [&](std::span<const Figure> figures) {
    absl::MutexLock lock(&mu);
    for (const Figure& figure : figures) {
      std::string name = figure.name;
      for (const auto& label : figure.labels) name += " " + label.second;
      latest[name] = figure.value;
    }
  };
  auto bus = *OpenKafkaBus(options);
  const std::string topic = testing::UniqueName("topic");
  ASSERT_TRUE(bus->admin().CreateTopic({.topic = topic}, kBrokerLimit).ok());
  auto producer = *bus->NewProducer({.name = "writer"});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(producer->Send({.topic = topic, .value = "12345"}, nullptr).ok());
  EXPECT_TRUE(producer->Flush(kBrokerLimit).ok());
  auto consumer = *bus->NewConsumer({.name = "reader"});
  ASSERT_TRUE(consumer->AssignTopics({topic}, {}).ok());
  const auto is = [&](const std::string& name, double value) {
    absl::MutexLock lock(&mu);
    const auto found = latest.find(name);
    return found != latest.end() && found->second == value;
  };
  const absl::Duration deadline = MonotonicNow() + kBrokerLimit;
  const auto all = [&] {
    return is("bus_sent_records_total writer", 10) && is("bus_brokers_up writer", 1) &&
           is("bus_received_records_total reader", 10) && is("bus_consumer_lag_records " + topic + " 0 reader", 0);
  };
  while (!all() && MonotonicNow() < deadline) EXPECT_TRUE(consumer->Poll({}).ok());
  absl::MutexLock lock(&mu);
  for (const auto& [name, value] : latest) RecordProperty(name, std::to_string(value));
  EXPECT_TRUE(latest["bus_sent_records_total writer"] == 10);
  EXPECT_TRUE(latest["bus_brokers_up writer"] == 1);
  EXPECT_TRUE(latest["bus_received_records_total reader"] == 10);
  EXPECT_TRUE(latest.contains("bus_consumer_lag_records " + topic + " 0 reader"));
}

}  // namespace
}  // namespace daybook::bus
