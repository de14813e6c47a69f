#include "daybook/testing/bus_contract.h"

#include <gtest/gtest.h>

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "daybook/base/clock.h"
#include "daybook/base/strings.h"
#include "daybook/base/uuid_source.h"
#include "daybook/testing/internal/bus_cases.h"

namespace daybook::testing {
namespace internal {

BusUnderTest::BusUnderTest(const BusHarnessFactory& factory)
    : harness_(factory()), unique_(UuidSource::System().New(Clock::System().Now()).ToString()) {
  absl::StatusOr<std::unique_ptr<bus::Bus>> opened = harness_->Open();
  EXPECT_TRUE(opened.ok()) << opened.status();
  if (opened.ok()) bus_ = *std::move(opened);
}

std::string BusUnderTest::Name(std::string_view about) const { return absl::StrCat(ToAbsl(about), ".", unique_); }

std::string BusUnderTest::Topic(std::int32_t partitions, std::map<std::string, std::string> config) {
  const std::string topic = Name(absl::StrCat("topic", ++topics_));
  EXPECT_OK(bus_->admin().CreateTopic(
      {.topic = topic, .partitions = partitions, .replication = 1, .config = std::move(config)}, kLong));
  return topic;
}

void BusUnderTest::Create(const std::string& topic, std::int32_t partitions) {
  EXPECT_OK(
      bus_->admin().CreateTopic({.topic = topic, .partitions = partitions, .replication = 1, .config = {}}, kLong));
}

std::vector<std::int64_t> BusUnderTest::Send(const std::string& topic, const std::vector<std::string>& values,
                                             std::optional<std::int32_t> number) {
  auto producer = *bus_->NewProducer({.name = "test", .topics = {topic}});
  std::vector<std::int64_t> offsets(values.size(), -1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    bus::OutgoingRecord record{.topic = topic, .key = values[i], .value = values[i]};
    if (number.has_value()) record.partition = bus::BusPartition(*number);
    EXPECT_OK(producer->Send(record, [&offsets, i](absl::StatusOr<bus::Delivery> delivery) {
      EXPECT_TRUE(delivery.ok()) << delivery.status();
      if (delivery.ok()) offsets[i] = delivery->offset.value();
    }));
  }
  EXPECT_OK(producer->Flush(kLong));
  return offsets;
}

std::unique_ptr<bus::Consumer> BusUnderTest::Consumer(bus::Isolation isolation) {
  auto consumer =
      bus_->NewConsumer({.name = "test", .isolation = isolation, .metadata_interval = absl::Milliseconds(100)});
  EXPECT_TRUE(consumer.ok()) << consumer.status();
  return *std::move(consumer);
}

std::unique_ptr<bus::Consumer> BusUnderTest::Reader(const std::vector<std::string>& topics, bus::Isolation isolation) {
  auto consumer = Consumer(isolation);
  EXPECT_OK(consumer->AssignTopics(topics, {}, kLong));
  return consumer;
}

std::unique_ptr<bus::TransactionalProducer> BusUnderTest::Transactional(const std::string& id,
                                                                        absl::Duration transaction_timeout) {
  auto producer = bus_->NewTransactionalProducer({.id = id, .topics = {}, .transaction_timeout = transaction_timeout});
  EXPECT_TRUE(producer.ok()) << producer.status();
  return *std::move(producer);
}

std::unique_ptr<bus::Membership> BusUnderTest::Join(const std::string& group, const std::string& topic,
                                                    const std::string& instance, absl::Duration poll_interval_max,
                                                    absl::Duration session_timeout) {
  auto membership = bus_->Join({.group = group,
                                .topics = {topic},
                                .instance_id = instance,
                                .session_timeout = session_timeout,
                                .heartbeat_interval = absl::Milliseconds(100),
                                .poll_interval_max = poll_interval_max});
  EXPECT_TRUE(membership.ok()) << membership.status();
  return *std::move(membership);
}

bus::TopicPartition At(const std::string& topic, std::int32_t number) { return {topic, bus::BusPartition(number)}; }

bus::Start StartAt(const std::string& topic, std::int64_t next, std::int32_t number) {
  return {.partition = At(topic, number), .next = bus::Offset(next), .last = std::nullopt};
}

std::vector<ReadRecord> CopyOf(const bus::RecordBatch& batch) {
  std::vector<ReadRecord> copies;
  for (const bus::Record& record : batch.records()) {
    ReadRecord copy{.topic = std::string(record.topic),
                    .number = record.partition.value(),
                    .offset = record.offset.value(),
                    .time_ms = record.timestamp.millis()};
    if (record.key.has_value()) copy.key.emplace(*record.key);
    if (record.value.has_value()) copy.value.emplace(*record.value);
    for (const bus::Header& header : record.headers) {
      copy.headers.emplace_back(std::string(header.name), std::nullopt);
      if (header.value.has_value()) copy.headers.back().second.emplace(*header.value);
    }
    copies.push_back(std::move(copy));
  }
  return copies;
}

std::vector<ReadRecord> Read(bus::Consumer& consumer, std::size_t count) {
  std::vector<ReadRecord> all;
  const absl::Duration deadline = MonotonicNow() + kLong;
  while (all.size() < count) {
    const absl::StatusOr<bus::RecordBatch> batch = consumer.Poll({.records_max = count - all.size()});
    EXPECT_TRUE(batch.ok()) << batch.status();
    if (!batch.ok()) break;
    for (ReadRecord& record : CopyOf(*batch)) all.push_back(std::move(record));
    EXPECT_LT(MonotonicNow(), deadline) << "only " << all.size() << " of " << count << " records came";
    if (MonotonicNow() > deadline) break;
  }
  return all;
}

std::vector<ReadRecord> ReadToEnd(bus::Consumer& consumer) {
  std::vector<ReadRecord> all;
  const absl::Duration deadline = MonotonicNow() + kLong;
  while (!consumer.CaughtUp()) {
    const absl::StatusOr<bus::RecordBatch> batch = consumer.Poll({});
    EXPECT_TRUE(batch.ok()) << batch.status();
    if (!batch.ok()) break;
    for (ReadRecord& record : CopyOf(*batch)) all.push_back(std::move(record));
    EXPECT_LT(MonotonicNow(), deadline) << "the end was not reached";
    if (MonotonicNow() > deadline) break;
  }
  return all;
}

std::vector<ReadRecord> ReadAll(BusUnderTest& bus, const std::vector<std::string>& topics, std::size_t count) {
  const std::unique_ptr<bus::Consumer> reader = bus.Reader(topics);
  std::vector<ReadRecord> all = Read(*reader, count);
  for (ReadRecord& more : ReadToEnd(*reader)) all.push_back(std::move(more));
  return all;
}

std::string ValuesOf(const std::vector<ReadRecord>& records) {
  std::string text;
  for (const ReadRecord& record : records) text.append(text.empty() ? "" : " ").append(record.value.value_or("(null)"));
  return text;
}

absl::Status ReadToError(bus::Consumer& consumer) {
  const absl::Duration deadline = MonotonicNow() + kLong;
  while (MonotonicNow() < deadline) {
    const absl::StatusOr<bus::RecordBatch> batch = consumer.Poll({});
    if (!batch.ok()) return batch.status();
  }
  ADD_FAILURE() << "no error came";
  return absl::OkStatus();
}

class BusCaseTest : public ::testing::Test {
 public:
  BusCaseTest(BusCase test, BusHarnessFactory factory) : case_(test), factory_(std::move(factory)) {}
  void TestBody() override {
    BusUnderTest bus(factory_);
    if (!HasFailure()) case_.run(bus);
  }

 private:
  const BusCase case_;
  const BusHarnessFactory factory_;
};

}  // namespace internal

bool RegisterBusContract(const std::string& suite, const BusHarnessFactory& factory) {
  for (const auto& cases : {internal::BusRecordCases(), internal::BusPositionCases(), internal::BusTransactionCases(),
                            internal::BusMembershipCases()}) {
    for (const internal::BusCase& test : cases) {
      ::testing::RegisterTest(suite.c_str(), test.name, nullptr, nullptr, __FILE__, __LINE__,
                              [=]() -> ::testing::Test* { return new internal::BusCaseTest(test, factory); });
    }
  }
  return true;
}

}  // namespace daybook::testing
