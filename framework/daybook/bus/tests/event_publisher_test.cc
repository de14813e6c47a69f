#include "daybook/bus/event_publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "daybook/base/reason.h"
#include "daybook/bus/tests/crashing_bus.h"
#include "daybook/bus/tests/published_log.h"

namespace daybook::bus {
namespace {

using ::testing::HasSubstr;

class EventPublisherTest : public ::testing::Test {
 protected:
  std::unique_ptr<EventPublisher> Start() { return Start(Publishing()); }
  std::unique_ptr<EventPublisher> Start(EventPublisherOptions options) {
    auto started = EventPublisher::Start(std::move(options), *bus_, log_.store());
    EXPECT_TRUE(started.ok()) << started.status();
    return started.ok() ? *std::move(started) : nullptr;
  }
  bool WaitUntilPublished(const EventPublisher& publisher) {
    return Eventually([&] { return publisher.stats().published == log_.end(); });
  }

  std::unique_ptr<Bus> bus_ = BusWithTopics();
  AccountLog log_;
};

TEST_F(EventPublisherTest, WhatIsInTheLogAndWhatComesIsOnItsTopicOnce) {
  Fill(log_, 10);
  const auto publisher = Start();
  EXPECT_TRUE(WaitUntilPublished(*publisher));
  EXPECT_EQ(Differences(*bus_, log_.store()), "");
  Fill(log_, 30);
  EXPECT_TRUE(WaitUntilPublished(*publisher));
  EXPECT_EQ(Differences(*bus_, log_.store()), "");
  EXPECT_TRUE(publisher->Readiness().ok()) << publisher->Readiness();
  EXPECT_EQ(publisher->stats().events, log_.end().value());
  EXPECT_EQ(publisher->stats().in_flight, 0u);
}

TEST_F(EventPublisherTest, StopPublishesWhatIsDurableFirst) {
  Fill(log_, 500);
  Start()->Stop(kLimit);
  EXPECT_EQ(Differences(*bus_, log_.store()), "");
}

TEST_F(EventPublisherTest, ALaterOneGoesOnBehindTheTopicsEnds) {
  for (int i = 0; i < 5; ++i) {
    Fill(log_, 7);
    Start()->Stop(kLimit);
  }
  EXPECT_EQ(Differences(*bus_, log_.store()), "");
}

TEST_F(EventPublisherTest, ADeletedAggregatesStateIsATombstone) {
  log_.Append("1", {Opened("ada")});
  log_.Append("1", {Withdrawn(5)});
  Start()->Stop(kLimit);
  EXPECT_EQ(Differences(*bus_, log_.store()), "");
  const RecordBatch states = ReadTopic(*bus_, kAccountStates);
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states.records()[1].key, "1");
  EXPECT_FALSE(states.records()[1].value.has_value());
}

TEST_F(EventPublisherTest, ATopicThatIsNotThereIsWaitedFor) {
  bus_ = NewMemoryBus();
  Fill(log_, 5);
  const auto publisher = Start();
  EXPECT_TRUE(Eventually([&] { return absl::IsNotFound(publisher->Readiness()); })) << publisher->Readiness();
  for (const char* const topic : {kAccounts, kAccountStates, kTags}) {
    ASSERT_TRUE(
        bus_->admin().CreateTopic({.topic = topic, .partitions = 1, .replication = 1, .config = {}}, kLimit).ok());
  }
  EXPECT_TRUE(WaitUntilPublished(*publisher));
  EXPECT_EQ(Differences(*bus_, log_.store()), "");
  EXPECT_TRUE(publisher->Readiness().ok()) << publisher->Readiness();
}

TEST_F(EventPublisherTest, AnEventWithoutATopicStopsItAndNothingIsSkipped) {
  Fill(log_, 3);
  const Position before = log_.end();
  log_.AppendRaw(StreamId("stranger", "1"), {{"daybook_test.v1.Tagged", "", ""}});
  Fill(log_, 3);
  const auto publisher = Start();
  EXPECT_TRUE(Eventually([&] { return ReasonOf(publisher->Readiness()) == "NO_ROUTE"; })) << publisher->Readiness();
  EXPECT_THAT(publisher->Readiness().ToString(), HasSubstr("stranger/1"));
  // And nothing before it waits for it.
  EXPECT_EQ(publisher->stats().events, before.value());
  EXPECT_LE(publisher->stats().published, before);
}

TEST_F(EventPublisherTest, ATopicOfAnotherLogIsNotWrittenTo) {
  AccountLog other;
  other.StartIdsAt(1'000'000);
  Fill(other, 5);
  (*EventPublisher::Start(Publishing(), *bus_, other.store()))->Stop(kLimit);
  Fill(log_, 10);
  const auto publisher = Start();
  EXPECT_TRUE(Eventually([&] { return ReasonOf(publisher->Readiness()) == "TOPIC_OF_ANOTHER_LOG"; }));
  EXPECT_EQ(Differences(*bus_, other.store()), "");
}

TEST_F(EventPublisherTest, ATopicThatIsAheadOfTheLogIsNotWrittenTo) {
  AccountLog longer;
  Fill(longer, 20);
  (*EventPublisher::Start(Publishing(), *bus_, longer.store()))->Stop(kLimit);
  Fill(log_, 10);
  const auto publisher = Start();
  EXPECT_TRUE(Eventually([&] { return ReasonOf(publisher->Readiness()) == "TOPIC_AHEAD_OF_LOG"; }));
  EXPECT_EQ(Differences(*bus_, longer.store()), "");
}

TEST_F(EventPublisherTest, ATopicThatHasLostItsRecordsToRetentionStopsIt) {
  Fill(log_, 5);
  Start()->Stop(kLimit);
  const RecordBatch records = ReadTopic(*bus_, kAccounts);
  const Offset end = records.records().back().offset.Next();
  ASSERT_TRUE(bus_->admin().DeleteRecords({kAccounts, BusPartition(0)}, end, kLimit).ok());
  const auto publisher = Start();
  EXPECT_TRUE(Eventually([&] { return ReasonOf(publisher->Readiness()) == "TOPIC_EXPIRED"; }))
      << publisher->Readiness();
}

TEST_F(EventPublisherTest, ATopicMadeAnewIsFilledAgainWithoutTouchingTheOthers) {
  Fill(log_, 12);
  Start()->Stop(kLimit);
  ASSERT_TRUE(bus_->admin().DeleteTopic(kTags, kLimit).ok());
  ASSERT_TRUE(
      bus_->admin().CreateTopic({.topic = kTags, .partitions = 1, .replication = 1, .config = {}}, kLimit).ok());
  Fill(log_, 3);
  Start()->Stop(kLimit);
  EXPECT_EQ(Differences(*bus_, log_.store()), "");
}

TEST_F(EventPublisherTest, ATopicMadeAnewUnderARunningPublisherStopsItAndTheNextOneToo) {
  for (const char* const topic : {kAccounts, kAccountStates, kTags}) {
    bus_ = BusWithTopics();
    const auto publisher = Start();
    Fill(log_, 12);
    EXPECT_TRUE(WaitUntilPublished(*publisher));
    ASSERT_TRUE(bus_->admin().DeleteTopic(topic, kLimit).ok());
    ASSERT_TRUE(
        bus_->admin().CreateTopic({.topic = topic, .partitions = 1, .replication = 1, .config = {}}, kLimit).ok());
    Fill(log_, 8);
    EXPECT_TRUE(Eventually([&] { return ReasonOf(publisher->Readiness()) == "TOPIC_RECREATED"; }))
        << topic << ": " << publisher->Readiness();
    EXPECT_THAT(publisher->Readiness().ToString(), HasSubstr(topic));
    publisher->Stop(absl::ZeroDuration());
    if (topic == std::string_view(kAccountStates)) continue;  // compacted: nothing in it tells
    const auto next = Start();
    EXPECT_TRUE(Eventually([&] { return ReasonOf(next->Readiness()) == "EVENTS_MISSING"; }))
        << topic << ": " << next->Readiness();
  }
}

TEST_F(EventPublisherTest, ATopicThatHasLostItsFirstRecordsToRetentionStopsIt) {
  Fill(log_, 5);
  Start()->Stop(kLimit);
  ASSERT_TRUE(bus_->admin().DeleteRecords({kAccounts, BusPartition(0)}, Offset(2), kLimit).ok());
  Fill(log_, 5);
  const auto publisher = Start();
  EXPECT_TRUE(Eventually([&] { return ReasonOf(publisher->Readiness()) == "EVENTS_MISSING"; }))
      << publisher->Readiness();
}

TEST_F(EventPublisherTest, StrangersRecordsAtTheBeginningAndTheEndArePassedOver) {
  const auto producer = bus_->NewProducer({.name = "stranger", .topics = {kAccounts}});
  const auto intrude = [&] {
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE((*producer)->Send({.topic = kAccounts, .key = "k", .value = "v"}, [](const auto&) {}).ok());
      ASSERT_TRUE((*producer)->Send({.topic = kAccountStates, .key = "k", .value = "v"}, [](const auto&) {}).ok());
    }
    ASSERT_TRUE((*producer)->Flush(kLimit).ok());
  };
  intrude();
  Fill(log_, 5);
  Start()->Stop(kLimit);
  intrude();
  Fill(log_, 5);
  Start()->Stop(kLimit);
  std::vector<std::uint64_t> positions;
  const RecordBatch accounts = ReadTopic(*bus_, kAccounts);
  for (const Record& record : accounts.records()) {
    if (const auto event = DecodeEvent(record); event.ok()) positions.push_back(event->position.value());
  }
  EXPECT_EQ(accounts.size(), 200 + positions.size());
  EXPECT_GE(positions.size(), 10u);
  EXPECT_TRUE(std::is_sorted(positions.begin(), positions.end()));
  EXPECT_EQ(std::adjacent_find(positions.begin(), positions.end()), positions.end());
}

TEST_F(EventPublisherTest, RoutesThatContradictEachOtherAreRefused) {
  const auto refused = [&](std::vector<EventRoute> routes) {
    EventPublisherOptions options;
    options.routes = std::move(routes);
    return EventPublisher::Start(options, *bus_, log_.store()).status().code();
  };
  EXPECT_EQ(refused({}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(refused({{.category = "a", .events_topic = ""}}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(refused({{.category = "a", .events_topic = "t"}, {.category = "b", .events_topic = "t"}}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(refused({{.category = "a", .events_topic = "t", .state_topic = "s"}}), absl::StatusCode::kInvalidArgument);
}

TEST_F(EventPublisherTest, RandomFailuresUnderLoadLeaveEachEventOnceInOrder) {
  const std::uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  CrashingBus crashing(*bus_);
  for (int round = 0; round < 20; ++round) {
    const auto how = random() % 2 == 0 ? CrashingBus::Crash::kBeforeWriting : CrashingBus::Crash::kAfterWriting;
    const auto afterwards = random() % 2 == 0 ? CrashingBus::Afterwards::kDead : CrashingBus::Afterwards::kHeals;
    crashing.CrashAt(static_cast<int>(random() % 60) + 1, how, afterwards);
    auto publisher = EventPublisher::Start(Publishing(), crashing, log_.store());
    ASSERT_TRUE(publisher.ok()) << publisher.status();
    for (int i = 0; i < 5; ++i) Fill(log_, static_cast<int>(random() % 10));
    if (random() % 2 == 0) (*publisher)->Stop(absl::Milliseconds(random() % 20));
  }
  Start()->Stop(kLimit);
  EXPECT_EQ(Differences(*bus_, log_.store()), "");
}

}  // namespace
}  // namespace daybook::bus
