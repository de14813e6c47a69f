// Feeds that share what lies at the end of the topics, on the bus inside the process: each still gives every event once
// and in order, however fast the others are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <thread>

#include "daybook/base/reason.h"
#include "daybook/bus/tests/topic_log.h"
#include "daybook/bus/topic_event_source.h"
#include "daybook/testing/eventually.h"
#include "daybook/testing/forgetting_bus.h"
#include "daybook/testing/forwarding_bus.h"

namespace daybook::bus {
namespace {

using daybook::testing::ForwardingBus;
using daybook::testing::ForwardingConsumer;

constexpr absl::Duration kShort = absl::Milliseconds(20);

// Counts the feeds' consumers, and refuses assignments of new ones as a broker does that cannot be reached.
class CountingBus final : public ForwardingBus {
 public:
  using ForwardingBus::ForwardingBus;

  std::atomic<int> consumers = 0;
  std::atomic<int> refusals = 0;  // that are still to come

  absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) override {
    auto consumer = ForwardingBus::NewConsumer(options);
    if (!consumer.ok() || options.name != "events") return consumer;
    return std::make_unique<Counted>(*this, *std::move(consumer));
  }

 private:
  class Counted final : public ForwardingConsumer {
   public:
    Counted(CountingBus& bus, std::unique_ptr<Consumer> inner) : ForwardingConsumer(std::move(inner)), bus_(bus) {
      ++bus_.consumers;
    }
    ~Counted() override { --bus_.consumers; }
    absl::Status Assign(std::span<const Start> starts, absl::Duration timeout) override {
      if (bus_.refusals > 0) {
        --bus_.refusals;
        return absl::UnavailableError("no broker");
      }
      return ForwardingConsumer::Assign(starts, timeout);
    }

   private:
    CountingBus& bus_;
  };
};

class SharedTailTest : public ::testing::Test {
 protected:
  SharedTailTest() {
    MakeTopics();
    producer_ = *inner_->NewProducer({.name = "publisher"});
  }

  void MakeTopics() {
    for (const char* const topic : {kAccounts, kTaggings}) {
      const absl::Status created = inner_->admin().CreateTopic({.topic = topic}, kLimit);
      EXPECT_TRUE(created.ok()) << created;
    }
  }

  // Commands of one or two events, and their records.
  void Publish(int commands) {
    for (int i = 0; i < commands; ++i) {
      const std::uint64_t before = log_.end().value();
      const std::string key = std::to_string(random_() % 5);
      const std::vector<TopicLog::Payload> events(1 + random_() % 2, {"t", std::string(100, 'x')});
      log_.Append(StreamId(random_() % 2 == 0 ? "account" : "tagging", key), events);
      for (std::uint64_t position = before + 1; position <= log_.end().value(); ++position) {
        HeaderList headers;
        ASSERT_TRUE(producer_->Send(TopicLog::RecordOf(log_.at(position), headers), [](auto) {}).ok());
      }
    }
    ASSERT_TRUE(producer_->Flush(kLimit).ok());
  }

  std::unique_ptr<TopicEventSource> NewSource(std::size_t shared_bytes_max = 8 * 1024 * 1024) {
    TopicEventSourceOptions options;
    options.topics = {kAccounts, kTaggings};
    options.shared_bytes_max = shared_bytes_max;
    return std::make_unique<TopicEventSource>(bus_, options);
  }

  // A feed and how far it came.
  struct Reader {
    explicit Reader(TopicEventSource& source) : feed(*source.Open({})) {}

    // One batch, checked to follow on what came before; gives how many events it had, or its error.
    absl::StatusOr<std::size_t> Read(std::size_t events_max = 1000, absl::Duration timeout = kShort) {
      const auto batch = feed->NextBatch({.events_max = events_max, .bytes_max = 1 << 20}, timeout);
      if (!batch.ok()) return batch.status();
      for (const store::EventView& event : *batch) {
        at = at.Next();
        EXPECT_EQ(event.position, at);
      }
      return batch->size();
    }
    // True if it comes to `end`.
    bool ReadTo(Position end, std::size_t events_max = 1000) {
      return daybook::testing::Eventually(
          [&] {
            const auto read = Read(events_max);
            EXPECT_TRUE(read.ok()) << read.status();
            return !read.ok() || at >= end;
          },
          kLimit);
    }
    // True if it has found that there is nothing more.
    bool ReadAll(Position end) { return ReadTo(end) && Read().ok(); }

    std::unique_ptr<projection::EventFeed> feed;
    Position at;
  };

  std::mt19937_64 random_{7};
  std::unique_ptr<Bus> inner_ = daybook::testing::NewForgettingMemoryBus();
  CountingBus bus_{*inner_};
  std::unique_ptr<Producer> producer_;
  TopicLog log_;
};

TEST_F(SharedTailTest, FeedsAtTheEndReadWithOneConsumer) {
  Publish(50);
  const auto source = NewSource();
  std::array readers = {Reader(*source), Reader(*source), Reader(*source)};
  EXPECT_EQ(bus_.consumers, 3);
  for (Reader& reader : readers) EXPECT_TRUE(reader.ReadAll(log_.end()));
  EXPECT_EQ(bus_.consumers, 1);
  for (int i = 0; i < 20; ++i) {
    Publish(2);
    for (Reader& reader : readers) EXPECT_TRUE(reader.ReadTo(log_.end()));
  }
  EXPECT_EQ(bus_.consumers, 1);
  EXPECT_EQ(source->end(), log_.end());
  EXPECT_EQ(source->repeats(), 0u);
}

TEST_F(SharedTailTest, AFeedThatComesLaterReadsAloneUntilItIsWhereTheOthersAre) {
  Publish(50);
  const auto source = NewSource();
  Reader first(*source);
  EXPECT_TRUE(first.ReadAll(log_.end()));
  Publish(50);
  EXPECT_TRUE(first.ReadTo(log_.end()));
  Reader late(*source);
  EXPECT_EQ(bus_.consumers, 2);
  EXPECT_TRUE(late.ReadAll(log_.end()));
  EXPECT_EQ(bus_.consumers, 1);
  EXPECT_EQ(source->repeats(), 0u) << "what both had read is no repeat";
}

TEST_F(SharedTailTest, AFeedThatFallsBehindWhatIsKeptReadsAloneAgainAndComesBack) {
  const auto source = NewSource(20'000);  // about 30 events
  Reader fast(*source);
  Reader slow(*source);
  Publish(5);
  EXPECT_TRUE(fast.ReadAll(log_.end()));
  EXPECT_TRUE(slow.ReadAll(log_.end()));
  EXPECT_EQ(bus_.consumers, 1);
  for (int i = 0; i < 20; ++i) {
    Publish(10);
    EXPECT_TRUE(fast.ReadTo(log_.end()));
  }
  bus_.refusals = 3;  // of the consumer that it needs now
  EXPECT_TRUE(slow.ReadTo(slow.at.Next(), 1));
  EXPECT_EQ(bus_.consumers, 2);
  EXPECT_EQ(bus_.refusals, 0);
  EXPECT_TRUE(slow.ReadAll(log_.end()));
  EXPECT_EQ(bus_.consumers, 1);
  EXPECT_EQ(source->repeats(), 0u);
}

TEST_F(SharedTailTest, AFeedThatIsClosedLeavesTheOthersTheirConsumer) {
  Publish(5);
  const auto source = NewSource();
  auto first = std::make_unique<Reader>(*source);
  Reader second(*source);
  EXPECT_TRUE(first->ReadAll(log_.end()));
  EXPECT_TRUE(second.ReadAll(log_.end()));
  first.reset();
  Publish(5);
  EXPECT_TRUE(second.ReadTo(log_.end()));
  EXPECT_EQ(bus_.consumers, 1);
}

TEST_F(SharedTailTest, WhatIsWrongWithTheTopicsStopsEveryFeedAfterWhatWasReadBefore) {
  Publish(5);
  const auto source = NewSource();
  std::array readers = {Reader(*source), Reader(*source)};
  for (Reader& reader : readers) EXPECT_TRUE(reader.ReadAll(log_.end()));
  Publish(5);
  EXPECT_TRUE(readers[0].ReadTo(log_.end()));
  for (const char* const topic : {kAccounts, kTaggings}) {
    ASSERT_TRUE(inner_->admin().DeleteTopic(topic, kLimit).ok());
  }
  MakeTopics();
  for (Reader& reader : readers) {
    absl::Status stopped;
    EXPECT_TRUE(daybook::testing::Eventually([&] { return !(stopped = reader.Read().status()).ok(); }, kLimit));
    EXPECT_EQ(stopped.code(), absl::StatusCode::kFailedPrecondition) << stopped;
    EXPECT_EQ(reader.at, log_.end());
    EXPECT_EQ(reader.Read().status(), stopped);
  }
}

TEST_F(SharedTailTest, CancellingTheFeedThatReadsForAllLeavesNobodyWaiting) {
  Publish(5);
  const auto source = NewSource();
  std::array readers = {Reader(*source), Reader(*source), Reader(*source)};
  for (Reader& reader : readers) EXPECT_TRUE(reader.ReadAll(log_.end()));
  std::array<absl::Status, 3> ended;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < readers.size(); ++i) {
    threads.emplace_back([&readers, &ended, i] {
      while (ended[i].ok()) ended[i] = readers[i].Read(1000, kLimit).status();
    });
  }
  for (Reader& reader : readers) {
    Publish(3);
    reader.feed->Cancel();
  }
  threads.clear();
  for (const absl::Status& status : ended) EXPECT_TRUE(absl::IsCancelled(status)) << status;
}

TEST_F(SharedTailTest, EveryFeedGivesTheLogHoweverTheyAreInterleaved) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 8; ++round) {
    const auto source = NewSource(random() % 60'000);
    std::vector<Reader> readers;
    for (int step = 0; step < 150; ++step) {
      if (readers.size() < 4 && random() % 10 == 0) readers.emplace_back(*source);
      if (random() % 3 == 0) Publish(1 + static_cast<int>(random() % 8));
      if (readers.empty()) continue;
      const std::size_t which = random() % readers.size();
      if (random() % 40 == 0) {
        readers.erase(readers.begin() + static_cast<std::ptrdiff_t>(which));
        continue;
      }
      const auto read = readers[which].Read(1 + random() % 20, absl::Milliseconds(random() % 2));
      ASSERT_TRUE(read.ok()) << read.status();
    }
    for (Reader& reader : readers) ASSERT_TRUE(reader.ReadAll(log_.end()));
    EXPECT_LE(bus_.consumers, 1);
    EXPECT_EQ(source->repeats(), 0u);
  }
}

}  // namespace
}  // namespace daybook::bus
