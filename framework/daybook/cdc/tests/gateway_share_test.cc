// Gateways over the same topics, each with a store of its own, of which one publishes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "daybook/cdc/gateway.h"
#include "daybook/cdc/tests/change_maker.h"
#include "daybook/store/memory/memory_key_value.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::cdc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// The topic that commands go to: what every gateway publishes, in one order.
struct Topic {
  struct Item {
    Command command;
    std::optional<DeadLetter> letter;
    std::string writer;
  };
  std::vector<Item> items;
};

class TopicSink final : public CommandSink {
 public:
  explicit TopicSink(Topic* topic) : topic_(topic) {}
  absl::Status Publish(const Command& command, Done done) override {
    return Take({command, std::nullopt, writer}, std::move(done));
  }
  absl::Status PublishDeadLetter(const DeadLetter& letter, Done done) override {
    return Take({Command(), letter, writer}, std::move(done));
  }
  std::string writer;
  bool answers = true;   // false: it arrives, and the gateway never hears of it
  bool refuses = false;  // not now

 private:
  absl::Status Take(Topic::Item item, Done done) {
    if (refuses) return absl::UnavailableError("not now");
    topic_->items.push_back(std::move(item));
    if (answers) done(absl::OkStatus());
    return absl::OkStatus();
  }
  Topic* topic_;
};

// One process: its store outlives it.
class Instance {
 public:
  Instance(Topic* topic, const Clock* clock) : topic_(topic), sink_(topic) {
    options_.catalog = test::Garage();
    options_.mappings = {&owners_, &makes_};
    options_.clock = clock;
    options_.dead_letter_directory = directory_.path();
    options_.dead_letters = GatewayOptions::DeadLetters::kSink;
    options_.role = Role::kStandby;
    options_.replay_topic = "bos.replay";
    Start();
  }

  void Start() {
    gateway_.reset();
    auto gateway = Gateway::Open(options_, kv_.get(), &sink_);
    ASSERT_EQ(gateway.status(), absl::OkStatus());
    gateway_ = *std::move(gateway);
    sink_.writer = gateway_->writer();
    sink_.answers = true;
    const auto place = gateway_->PositionIn("commands", 0);
    next_ = place ? static_cast<std::size_t>(place->offset) + 1 : 0;
  }

  void Ingest(const std::vector<Record>& records) {
    ASSERT_EQ(gateway_->Ingest(records), absl::OkStatus());
    ASSERT_EQ(gateway_->Tick(), absl::OkStatus());
  }
  void Tick() { ASSERT_EQ(gateway_->Tick(), absl::OkStatus()); }

  // Reads the topic to its end.
  void Observe() {
    std::vector<Published> published;
    for (; next_ < topic_->items.size(); ++next_) {
      const Topic::Item& item = topic_->items[next_];
      if (item.letter) {
        published.push_back({item.writer, "", 0, item.letter->id, "", ""});
      } else {
        published.push_back({item.writer, item.command.aggregate, item.command.emission, item.command.id.uuid(),
                             item.command.type, item.command.payload});
      }
    }
    if (published.empty()) return;
    const InputPosition place{"commands", 0, static_cast<std::int64_t>(next_) - 1, 1};
    ASSERT_EQ(gateway_->Observe(published, {&place, 1}), absl::OkStatus());
  }
  void TakeOver() {
    Observe();
    gateway_->SetRole(Role::kActive);
    Tick();
    Tick();
  }
  void StepDown() { gateway_->SetRole(Role::kStandby); }

  TopicSink& sink() { return sink_; }
  GatewayCounters counters() const { return gateway_->counters(); }
  Gateway& gateway() { return *gateway_; }

 private:
  Topic* topic_;
  testing::TemporaryDirectory directory_;
  test::TextMapping owners_{"owner"};
  test::TextMapping makes_{"make"};
  std::unique_ptr<store::KeyValue> kv_ = store::NewMemoryKeyValue();
  TopicSink sink_;
  GatewayOptions options_;
  std::unique_ptr<Gateway> gateway_;
  std::size_t next_ = 0;
};

class GatewayShareTest : public ::testing::Test {
 protected:
  Record Owner(int id, const std::string& name, std::int64_t lsn, const std::string& transaction,
               char operation = 'c') {
    return make_.Make({.table = "owner",
                       .operation = operation,
                       .key = absl::StrCat("{\"id\":", id, "}"),
                       .after = operation == 'd' ? "" : absl::StrCat("{\"id\":", id, ",\"name\":\"", name, "\"}"),
                       .lsn = lsn,
                       .transaction = transaction});
  }
  Record End(const std::string& transaction) { return make_.End(transaction, {{"owner", 1}}); }
  std::vector<std::string> Sent() const {
    std::vector<std::string> all;
    for (const Topic::Item& item : topic_.items) {
      all.push_back(item.letter ? "letter " + item.letter->topic
                                : item.command.stream.text() + " " + item.command.type + " " + item.command.payload);
    }
    return all;
  }

  test::ChangeMaker make_;
  test::ManualClock clock_;
  Topic topic_;
  Instance a_{&topic_, &clock_};
  Instance b_{&topic_, &clock_};
};

TEST_F(GatewayShareTest, AStandbyPublishesNothingAndForgetsWhatTheActiveOnePublished) {
  a_.TakeOver();
  const std::vector<Record> records = {Owner(1, "Ann", 10, "7"), End("7")};
  a_.Ingest(records);
  b_.Ingest(records);
  EXPECT_THAT(Sent(), ElementsAre("owner/1 Sync Ann [] {}"));
  EXPECT_EQ(b_.counters().held, 1u);
  b_.Observe();
  EXPECT_EQ(b_.counters().held, 0u);
  EXPECT_EQ(b_.counters().dirty, 0u);
  b_.TakeOver();
  EXPECT_EQ(topic_.items.size(), 1u);
}

TEST_F(GatewayShareTest, TheNextOnePublishesWhatTheLastOneDidNotComeTo) {
  a_.TakeOver();
  const std::vector<Record> first = {Owner(1, "Ann", 10, "7"), End("7")};
  const std::vector<Record> second = {Owner(1, "Anna", 20, "8", 'u'), End("8"), Owner(2, "Bob", 30, "9"), End("9")};
  a_.Ingest(first);
  a_.sink().refuses = true;  // it dies with two commands in its outbox
  a_.Ingest(second);
  b_.Ingest(first);
  b_.Ingest(second);
  b_.TakeOver();
  // The two that it makes up for are of two streams, which have no order between them.
  EXPECT_THAT(Sent(),
              UnorderedElementsAre("owner/1 Sync Ann [] {}", "owner/1 Sync Anna [] {}", "owner/2 Sync Bob [] {}"));
  EXPECT_EQ(Sent().front(), "owner/1 Sync Ann [] {}");

  // The first one is back as standby: what waits in its outbox is out already.
  a_.Start();
  a_.sink().refuses = false;
  a_.Observe();
  EXPECT_EQ(a_.counters().outbox, 0u);
  EXPECT_EQ(a_.counters().dirty, 0u);
  b_.StepDown();
  a_.TakeOver();
  EXPECT_EQ(topic_.items.size(), 3u);
}

TEST_F(GatewayShareTest, IntermediateStatesOfOneAndNotOfTheOtherLeaveNothingBehind) {
  a_.TakeOver();
  const std::vector<Record> records = {Owner(1, "Ann", 10, "7"),       End("7"),
                                       Owner(1, "Anna", 20, "8", 'u'), End("8"),
                                       Owner(1, "Ann", 30, "9", 'u'),  End("9")};
  a_.Ingest({records[0], records[1]});
  a_.Ingest({records[2], records[3]});
  a_.Ingest({records[4], records[5]});
  EXPECT_EQ(topic_.items.size(), 3u);
  b_.Ingest(records);  // in one batch
  EXPECT_EQ(b_.counters().held, 1u);
  b_.TakeOver();
  EXPECT_EQ(topic_.items.size(), 3u);
  // And the numbers of emissions go on where the other's ended, so that no id is used twice.
  b_.Ingest({Owner(1, "Anna", 40, "10", 'u'), End("10")});
  ASSERT_EQ(topic_.items.size(), 4u);
  EXPECT_EQ(topic_.items[3].command.emission, 4u);
}

TEST_F(GatewayShareTest, AStandbyThatIsBehindWaitsForItsRows) {
  a_.TakeOver();
  const std::vector<Record> first = {Owner(1, "Ann", 10, "7"), End("7")};
  const std::vector<Record> second = {Owner(1, "Anna", 20, "8", 'u'), End("8")};
  a_.Ingest(first);
  a_.Ingest(second);
  b_.Observe();
  b_.Ingest(first);
  EXPECT_EQ(b_.counters().held, 1u);  // older than what is out
  b_.Ingest(second);
  EXPECT_EQ(b_.counters().held, 0u);
  b_.TakeOver();
  EXPECT_EQ(topic_.items.size(), 2u);
}

TEST_F(GatewayShareTest, ARestartReadsBackWhatWasNotAcknowledged) {
  a_.TakeOver();
  a_.sink().answers = false;
  a_.Ingest({Owner(1, "Ann", 10, "7"), End("7")});
  EXPECT_EQ(a_.counters().outbox, 1u);
  a_.Start();
  a_.TakeOver();
  EXPECT_EQ(topic_.items.size(), 1u);
  EXPECT_EQ(a_.counters().outbox, 0u);
  a_.Ingest({Owner(1, "Anna", 20, "8", 'u'), End("8")});
  EXPECT_EQ(topic_.items.size(), 2u);
}

TEST_F(GatewayShareTest, AForgottenAggregateIsForgottenOnce) {
  a_.TakeOver();
  const std::vector<Record> records = {Owner(1, "Ann", 10, "7"), End("7"), Owner(1, "", 20, "8", 'd'), End("8")};
  a_.Ingest({records[0], records[1]});
  b_.Ingest(records);
  a_.Ingest({records[2], records[3]});
  EXPECT_THAT(Sent(), ElementsAre("owner/1 Sync Ann [] {}", "owner/1 Forget "));
  b_.Observe();
  EXPECT_EQ(b_.counters().dirty, 0u);
  b_.TakeOver();
  EXPECT_EQ(topic_.items.size(), 2u);
}

TEST_F(GatewayShareTest, ADeletionThatTheStandbySawBeforeTheCommandIsStillTold) {
  a_.TakeOver();
  const std::vector<Record> records = {Owner(1, "Ann", 10, "7"), End("7"), Owner(1, "", 20, "8", 'd'), End("8")};
  a_.Ingest({records[0], records[1]});
  b_.Ingest(records);  // nothing is known to have been sent, so there is nothing to forget
  EXPECT_EQ(b_.counters().dirty, 0u);
  b_.TakeOver();
  EXPECT_THAT(Sent(), ElementsAre("owner/1 Sync Ann [] {}", "owner/1 Forget "));
}

// As after a directory that was lost, over topics that no longer hold all that was read.
TEST_F(GatewayShareTest, WhoseRowNeverCameIsParkedAndNotForgotten) {
  a_.TakeOver();
  a_.Ingest({Owner(1, "Ann", 10, "7"), End("7"), Owner(2, "Bob", 20, "8"), End("8")});
  a_.StepDown();
  b_.Ingest({Owner(2, "Bob", 20, "8"), End("8")});
  b_.TakeOver();
  EXPECT_THAT(Sent(), ElementsAre("owner/1 Sync Ann [] {}", "owner/2 Sync Bob [] {}"));
  EXPECT_EQ(b_.counters().parked, 1u);

  b_.Ingest({Owner(1, "Ann", 10, "7"), End("7")});
  EXPECT_EQ(topic_.items.size(), 2u);
  EXPECT_EQ(b_.counters().parked, 0u);
  b_.Ingest({Owner(1, "", 30, "9", 'd'), End("9")});
  EXPECT_THAT(Sent().back(), "owner/1 Forget ");
}

// A deletion is told even if it is all that is known of the row.
TEST_F(GatewayShareTest, ADeletionOfARowThatNeverCameIsTold) {
  a_.TakeOver();
  a_.Ingest({Owner(1, "Ann", 10, "7"), End("7")});
  a_.StepDown();
  b_.Ingest({Owner(1, "", 20, "8", 'd'), End("8")});
  b_.TakeOver();
  EXPECT_THAT(Sent(), ElementsAre("owner/1 Sync Ann [] {}", "owner/1 Forget "));
}

TEST_F(GatewayShareTest, WhatIsHeldSurvivesARestart) {
  b_.Ingest({Owner(1, "Ann", 10, "7"), End("7")});
  b_.Start();
  EXPECT_THAT(Sent(), IsEmpty());
  b_.TakeOver();
  EXPECT_THAT(Sent(), ElementsAre("owner/1 Sync Ann [] {}"));
}

TEST_F(GatewayShareTest, ARecordThatIsNotUnderstoodIsTheActiveOnesLetterAndOnlyOnce) {
  const std::vector<Record> records = {make_.Raw("bos.public.owner", "{\"id\":1}", "rubbish"),
                                       make_.Raw("bos.public.owner", "{\"id\":2}", "rubbish too")};
  a_.TakeOver();
  a_.Ingest(records);
  EXPECT_THAT(Sent(), ElementsAre("letter bos.public.owner", "letter bos.public.owner"));
  EXPECT_EQ(topic_.items[0].letter->value, "rubbish");
  b_.Ingest({records[0]});
  EXPECT_EQ(b_.counters().outbox, 1u);
  b_.Observe();  // one before, one after its own reading
  EXPECT_EQ(b_.counters().outbox, 0u);
  b_.Start();
  b_.Ingest({records[1]});
  EXPECT_EQ(b_.counters().outbox, 0u);
  b_.TakeOver();
  EXPECT_EQ(topic_.items.size(), 2u);
}

TEST_F(GatewayShareTest, AReplayedChangeAppliesByItsLsnAndAReplayedReadOnlyWhereNothingIsKnown) {
  a_.TakeOver();
  a_.Ingest({Owner(1, "Anna", 20, "8"), End("8")});
  const auto replayed = [&](Record record) {
    record.topic = "bos.replay";
    return record;
  };
  const auto read = [&](int id, const std::string& name) {
    return replayed(make_.Make({.table = "owner",
                                .operation = 'r',
                                .key = absl::StrCat("{\"id\":", id, "}"),
                                .after = absl::StrCat("{\"id\":", id, ",\"name\":\"", name, "\"}"),
                                .lsn = 100,
                                .snapshot = "true"}));
  };
  a_.Ingest(
      {replayed(Owner(1, "Ann", 10, "7", 'u')), read(1, "Old"), read(2, "Bob"), replayed(Owner(3, "Cid", 30, "9"))});
  clock_.Advance(absl::Seconds(1));
  a_.Tick();
  a_.Tick();
  EXPECT_THAT(Sent(),
              UnorderedElementsAre("owner/1 Sync Anna [] {}", "owner/2 Sync Bob [] {}", "owner/3 Sync Cid [] {}"));
  EXPECT_EQ(a_.counters().replayed, 4u);
  EXPECT_EQ(a_.counters().open_transactions, 0u);
}

TEST_F(GatewayShareTest, AForgottenPositionIsReadAgainWithoutEffect) {
  a_.TakeOver();
  const std::vector<Record> records = {Owner(1, "Ann", 10, "7"), End("7")};
  a_.Ingest(records);
  const std::vector<std::string> topics = {"bos.public.owner"};
  ASSERT_EQ(*a_.gateway().ForgetPositions(topics), 1u);
  a_.Start();
  EXPECT_FALSE(a_.gateway().PositionIn("bos.public.owner", 0));
  EXPECT_TRUE(a_.gateway().PositionIn("bos.transaction", 0));
  a_.TakeOver();
  a_.Ingest(records);
  EXPECT_EQ(topic_.items.size(), 1u);
}

}  // namespace
}  // namespace daybook::cdc
