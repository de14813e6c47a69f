#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "daybook/base/reason.h"
#include "daybook/testing/internal/bus_cases.h"

// Sending, and what is read of it; topics.
namespace daybook::testing::internal {
namespace {

using bus::BusPartition;
using bus::Delivery;
using bus::Header;
using bus::HeaderList;
using bus::OutgoingRecord;
using bus::PartitionOf;
using bus::TopicSpec;

void ARecordIsReadAsItWasSent(BusUnderTest& bus) {
  const std::string topic = bus.Topic(3);
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}});
  HeaderList headers;
  headers.Add("b", "1");
  headers.Add("a", std::string_view("\0\xff", 2));
  headers.Add("b", "");
  headers.AddNull("c");
  const std::string key("\0key\xff", 5);
  const OutgoingRecord full{.topic = topic,
                            .partition = BusPartition(2),
                            .key = key,
                            .value = "value",
                            .headers = headers.view(),
                            .timestamp = Timestamp::FromMillis(1'700'000'000'123)};
  EXPECT_OK(producer->Send(full, nullptr));
  EXPECT_OK(producer->Send({.topic = topic, .partition = BusPartition(2), .key = "k", .value = {}}, nullptr));
  EXPECT_OK(producer->Send({.topic = topic, .partition = BusPartition(2), .key = {}, .value = ""}, nullptr));
  EXPECT_OK(producer->Send({.topic = topic, .partition = BusPartition(2), .key = "", .value = "v"}, nullptr));
  ASSERT_OK(producer->Flush(kLong));

  const std::vector<ReadRecord> read = Read(*bus.Reader({topic}), 4);
  ASSERT_EQ(read.size(), 4u);
  EXPECT_EQ(read[0].topic, topic);
  EXPECT_EQ(read[0].number, 2);
  EXPECT_EQ(read[0].time_ms, 1'700'000'000'123);
  EXPECT_EQ(read[0].key, key);
  EXPECT_EQ(read[0].value, "value");
  const std::vector<std::pair<std::string, std::optional<std::string>>> expected = {
      {"b", "1"}, {"a", std::string("\0\xff", 2)}, {"b", ""}, {"c", std::nullopt}};
  EXPECT_EQ(read[0].headers, expected);
  EXPECT_EQ(read[1].value, std::nullopt);
  EXPECT_TRUE(read[1].headers.empty());
  EXPECT_GT(read[1].time_ms, 1'700'000'000'123);
  EXPECT_EQ(read[2].key, std::nullopt);
  EXPECT_EQ(read[2].value, "");
  EXPECT_EQ(read[3].key, "");
  for (std::size_t i = 1; i < read.size(); ++i) EXPECT_GT(read[i].offset, read[i - 1].offset);
}

void AKeyDecidesThePartitionAsInKafkasClients(BusUnderTest& bus) {
  const std::string topic = bus.Topic(5);
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}});
  for (int i = 0; i < 100; ++i) {
    const std::string key = absl::StrCat("key-", i);
    EXPECT_OK(producer->Send({.topic = topic, .key = key, .value = "v"}, [key](absl::StatusOr<Delivery> delivery) {
      ASSERT_TRUE(delivery.ok()) << delivery.status();
      EXPECT_EQ(delivery->partition, PartitionOf(key, 5)) << key;
    }));
  }
  ASSERT_OK(producer->Flush(kLong));
}

void ADeliveryNamesThePlaceAndComesInOrder(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}});
  std::vector<std::int64_t> offsets;
  std::vector<int> order;
  for (int i = 0; i < 200; ++i) {
    EXPECT_OK(producer->Send({.topic = topic, .value = absl::StrCat(i)}, [&, i](absl::StatusOr<Delivery> delivery) {
      EXPECT_TRUE(delivery.ok()) << delivery.status();
      if (delivery.ok()) offsets.push_back(delivery->offset.value());
      order.push_back(i);
    }));
  }
  ASSERT_OK(producer->Flush(kLong));
  EXPECT_EQ(producer->in_flight(), 0u);
  const std::vector<ReadRecord> read = Read(*bus.Reader({topic}), 200);
  ASSERT_EQ(offsets.size(), 200u);
  for (int i = 0; i < 200; ++i) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_EQ(order[at], i);
    EXPECT_EQ(read[at].offset, offsets[at]);
    EXPECT_EQ(read[at].value, absl::StrCat(i));
  }
}

void AFullProducerRefusesUntilThereIsRoom(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}, .in_flight_max = 1});
  absl::Notification go_on;
  EXPECT_OK(producer->Send({.topic = topic, .value = "1"}, [&](const auto&) { go_on.WaitForNotification(); }));
  bool called = false;
  const absl::Status full = producer->Send({.topic = topic, .value = "2"}, [&](const auto&) { called = true; });
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(full), "QUEUE_FULL");
  EXPECT_EQ(producer->WaitForRoom(1, absl::Milliseconds(10)).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(producer->Flush(absl::Milliseconds(10)).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(producer->in_flight(), 1u);
  go_on.Notify();
  EXPECT_OK(producer->WaitForRoom(1, kLong));
  EXPECT_OK(producer->Send({.topic = topic, .value = "3"}, nullptr));
  EXPECT_OK(producer->Flush(kLong));
  EXPECT_FALSE(called);
  EXPECT_EQ(ValuesOf(ReadToEnd(*bus.Reader({topic}))), "1 3");
}

// Again and again, since an answer may come while the record is still being handed over.
void RecordsThatAreSentTogetherAreEachReadAndAnswered(BusUnderTest& bus) {
  constexpr std::size_t kRounds = 300;
  constexpr std::size_t kTogether = 7;
  const std::string topic = bus.Topic();
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}});
  std::atomic<std::size_t> answered = 0;
  std::string expected;
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::array<std::string, kTogether> values;
    std::array<HeaderList, kTogether> headers;
    std::vector<bus::Producer::ToSend> records;
    for (std::size_t i = 0; i < kTogether; ++i) {
      values[i] = absl::StrCat(round, "/", i);
      for (const char* name : {"one", "two", "three"}) headers[i].Add(name, values[i]);
      records.push_back({{.topic = topic, .key = "k", .value = values[i], .headers = headers[i].view()},
                         [&answered](const absl::StatusOr<Delivery>& delivery) { answered += delivery.ok() ? 1 : 0; }});
      absl::StrAppend(&expected, expected.empty() ? "" : " ", values[i]);
    }
    absl::Status error;
    ASSERT_EQ(producer->SendTogether(records, error), kTogether);
    ASSERT_OK(error);
  }
  ASSERT_OK(producer->Flush(kLong));
  EXPECT_EQ(answered, kRounds * kTogether);
  const std::vector<ReadRecord> read = ReadToEnd(*bus.Reader({topic}));
  EXPECT_EQ(ValuesOf(read), expected);
  for (const ReadRecord& one : read) {
    ASSERT_EQ(one.headers.size(), 3u);
    EXPECT_EQ(one.headers[2].second, one.value);
  }
}

void WhatIsNotTakenTogetherKeepsItsHandler(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}, .in_flight_max = 2});
  absl::Notification let_go;
  std::atomic<int> answered = 0;
  std::vector<bus::Producer::ToSend> records;
  for (int i = 0; i < 4; ++i) {
    records.push_back({{.topic = topic, .key = "k", .value = "v"}, [&](const absl::StatusOr<Delivery>&) {
                         let_go.WaitForNotification();
                         ++answered;
                       }});
  }
  absl::Status error;
  ASSERT_EQ(producer->SendTogether(records, error), 2u);
  EXPECT_EQ(ReasonOf(error), "QUEUE_FULL") << error;
  EXPECT_FALSE(records[0].done);
  EXPECT_TRUE(records[2].done);
  let_go.Notify();
  ASSERT_OK(producer->Flush(kLong));
  EXPECT_EQ(producer->SendTogether(std::span(records).subspan(2), error), 2u);
  ASSERT_OK(producer->Flush(kLong));
  EXPECT_EQ(answered, 4);
}

void WhatCannotBeSentIsRefusedByName(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}});
  EXPECT_EQ(producer->Send({.topic = "", .value = "1"}, nullptr).code(), absl::StatusCode::kInvalidArgument);
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(producer->Send({.topic = topic, .value = large}, nullptr).code(), absl::StatusCode::kInvalidArgument);
  absl::Status unknown;
  EXPECT_OK(producer->Send({.topic = bus.Name("no-such-topic"), .value = "1"},
                           [&](absl::StatusOr<Delivery> delivery) { unknown = delivery.status(); }));
  EXPECT_OK(producer->Flush(kLong));
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound) << unknown;
  EXPECT_OK(producer->Send({.topic = topic, .value = "2"}, nullptr));
  EXPECT_OK(producer->Flush(kLong));
  EXPECT_EQ(ValuesOf(ReadToEnd(*bus.Reader({topic}))), "2");
}

void EveryRecordIsAnsweredOnceAlsoAtTheEnd(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  std::map<int, int> answers;
  std::set<std::string> delivered;
  {
    auto producer = *bus->NewProducer({.name = "test", .topics = {topic}});
    for (int i = 0; i < 1000; ++i) {
      EXPECT_OK(producer->Send({.topic = topic, .value = absl::StrCat(i)}, [&, i](absl::StatusOr<Delivery> delivery) {
        ++answers[i];
        if (delivery.ok()) {
          delivered.insert(absl::StrCat(i));
        } else {
          const std::string reason = ReasonOf(delivery.status());
          EXPECT_TRUE(reason == "NOT_DELIVERED" || reason == "DELIVERY_UNKNOWN") << delivery.status();
        }
      }));
    }
  }
  EXPECT_EQ(answers.size(), 1000u);
  for (const auto& [i, count] : answers) EXPECT_EQ(count, 1) << i;
  std::set<std::string> read;
  for (const ReadRecord& record : ReadToEnd(*bus.Reader({topic}))) read.insert(record.value.value_or("(null)"));
  EXPECT_TRUE(std::includes(read.begin(), read.end(), delivered.begin(), delivered.end()));
}

void SeveralThreadsSendThroughOneProducer(BusUnderTest& bus) {
  const std::string topic = bus.Topic();
  auto producer = *bus->NewProducer({.name = "test", .topics = {topic}, .in_flight_max = 50});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 250; ++i) {
          const std::string value = absl::StrCat(t, " ", i);
          absl::Status sent;
          do {
            EXPECT_OK(producer->WaitForRoom(value.size(), kLong));
            sent = producer->Send({.topic = topic, .value = value}, nullptr);
          } while (ReasonOf(sent) == "QUEUE_FULL");
          EXPECT_OK(sent);
        }
      });
    }
  }
  EXPECT_OK(producer->Flush(kLong));
  std::map<char, int> next;
  for (const ReadRecord& record : Read(*bus.Reader({topic}), 1000)) {
    const std::string value = record.value.value_or("?");
    EXPECT_EQ(value, absl::StrCat(value.substr(0, 1), " ", next[value[0]]++));
  }
}

void TopicsAreMadeDescribedAndDeleted(BusUnderTest& bus) {
  bus::Admin& admin = bus->admin();
  const std::string topic = bus.Topic(3, {{"cleanup.policy", "compact"}, {"max.message.bytes", "65536"}});
  const TopicSpec again{.topic = topic, .partitions = 3, .replication = 1, .config = {}};
  EXPECT_EQ(admin.CreateTopic(again, kLong).code(), absl::StatusCode::kAlreadyExists);
  const absl::StatusOr<TopicSpec> described = admin.DescribeTopic(topic, kLong);
  ASSERT_TRUE(described.ok()) << described.status();
  EXPECT_EQ(described->partitions, 3);
  EXPECT_EQ(described->replication, 1);
  EXPECT_EQ(described->config.at("cleanup.policy"), "compact");
  EXPECT_EQ(described->config.at("max.message.bytes"), "65536");
  const auto listed = [&] {
    const std::vector<std::string> all = *admin.ListTopics(kLong);
    return std::count(all.begin(), all.end(), topic);
  };
  EXPECT_EQ(listed(), 1);
  EXPECT_OK(admin.AddPartitions(topic, 4, kLong));
  EXPECT_EQ(admin.DescribeTopic(topic, kLong)->partitions, 4);
  EXPECT_EQ(admin.AddPartitions(topic, 4, kLong).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_OK(admin.DeleteTopic(topic, kLong));
  EXPECT_EQ(listed(), 0);
  EXPECT_EQ(admin.DeleteTopic(topic, kLong).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(admin.DescribeTopic(topic, kLong).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(admin.AddPartitions(topic, 9, kLong).code(), absl::StatusCode::kNotFound);
  const TopicSpec bad{.topic = "no/slash", .partitions = 1, .replication = 1, .config = {}};
  EXPECT_EQ(admin.CreateTopic(bad, kLong).code(), absl::StatusCode::kInvalidArgument);
}

void EnsureTopicsMakesWhatIsMissingAndNamesWhatDiffers(BusUnderTest& bus) {
  const std::string there = bus.Topic(2);
  const std::string missing = bus.Name("missing");
  const std::vector<TopicSpec> fit = {{.topic = there, .partitions = 2},
                                      {.topic = missing, .partitions = 1, .config = {{"cleanup.policy", "compact"}}}};
  EXPECT_OK(EnsureTopics(bus->admin(), fit, kLong));
  EXPECT_OK(EnsureTopics(bus->admin(), fit, kLong));
  const std::vector<TopicSpec> other = {{.topic = there, .partitions = 3},
                                        {.topic = missing, .partitions = 1, .config = {{"cleanup.policy", "delete"}}}};
  const absl::Status status = EnsureTopics(bus->admin(), other, kLong);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  const std::string said(status.message());
  EXPECT_NE(said.find(there + " has 2 partitions, not 3"), std::string::npos) << said;
  EXPECT_NE(said.find(missing + " has cleanup.policy=compact, not delete"), std::string::npos) << said;
}

}  // namespace

std::vector<BusCase> BusRecordCases() {
  return {{"ARecordIsReadAsItWasSent", ARecordIsReadAsItWasSent},
          {"AKeyDecidesThePartitionAsInKafkasClients", AKeyDecidesThePartitionAsInKafkasClients},
          {"ADeliveryNamesThePlaceAndComesInOrder", ADeliveryNamesThePlaceAndComesInOrder},
          {"AFullProducerRefusesUntilThereIsRoom", AFullProducerRefusesUntilThereIsRoom},
          {"RecordsThatAreSentTogetherAreEachReadAndAnswered", RecordsThatAreSentTogetherAreEachReadAndAnswered},
          {"WhatIsNotTakenTogetherKeepsItsHandler", WhatIsNotTakenTogetherKeepsItsHandler},
          {"WhatCannotBeSentIsRefusedByName", WhatCannotBeSentIsRefusedByName},
          {"EveryRecordIsAnsweredOnceAlsoAtTheEnd", EveryRecordIsAnsweredOnceAlsoAtTheEnd},
          {"SeveralThreadsSendThroughOneProducer", SeveralThreadsSendThroughOneProducer},
          {"TopicsAreMadeDescribedAndDeleted", TopicsAreMadeDescribedAndDeleted},
          {"EnsureTopicsMakesWhatIsMissingAndNamesWhatDiffers", EnsureTopicsMakesWhatIsMissingAndNamesWhatDiffers}};
}

}  // namespace daybook::testing::internal
