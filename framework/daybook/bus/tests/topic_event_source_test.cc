// Projections over events topics, on the bus inside the process: what they come to must equal projections over the log
// itself, whatever happens on the way.
#include "daybook/bus/topic_event_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <thread>

#include "absl/synchronization/notification.h"
#include "daybook/base/reason.h"
#include "daybook/bus/dead_letter.h"
#include "daybook/bus/dead_letter_writer.h"
#include "daybook/bus/tests/topic_log.h"
#include "daybook/projection/projector.h"
#include "daybook/projection/tests/account_log.h"
#include "daybook/projection/tests/failing_key_value.h"
#include "daybook/testing/eventually.h"
#include "daybook/testing/forgetting_bus.h"

namespace daybook::bus {
namespace {

using projection::Account;
using projection::ByBalance;
using projection::FailingKeyValue;
using projection::kBoth;
using projection::ProjectionRunner;
using projection::ProjectorOptions;
using projection::Tagging;
using projection::Tally;
using ::testing::HasSubstr;

using Tables = std::map<std::string, std::map<std::string, std::string>>;

// Waits for `is_so` to come true, within the limit.
bool Eventually(const std::function<bool()>& is_so) { return daybook::testing::Eventually(is_so, kLimit); }

Tables DumpAll(store::KeyValue& models) {
  Tables tables;
  for (const std::string& name : kBoth) tables[name] = projection::Dump(models, name);
  return tables;
}

class TopicEventSourceTest : public ::testing::Test {
 protected:
  TopicEventSourceTest() {
    MakeTopics();
    producer_ = *bus_->NewProducer({.name = "publisher"});
  }

  void MakeTopics() {
    for (const char* const topic : {kAccounts, kTaggings}) {
      const absl::Status created = bus_->admin().CreateTopic({.topic = topic}, kLimit);
      EXPECT_TRUE(created.ok()) << created;
    }
  }

  static TopicLog::Payload Deposit(std::int64_t amount, const std::string& note = "") {
    return {"daybook_test.v1.Deposited", codec_.Encode(projection::Deposited(amount, note))};
  }
  void Deposit(const std::string& key, std::vector<std::int64_t> amounts) {
    std::vector<TopicLog::Payload> payloads;
    for (const std::int64_t amount : amounts) payloads.push_back(Deposit(amount));
    log_.Append(StreamId("account", key), payloads);
  }
  void Tag(const std::string& key) { log_.Append(StreamId("tagging", key), {{"daybook_test.v1.Tagged", ""}}); }

  // A log of both aggregates, commands of one to three events.
  void Fill(int commands, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < commands; ++i) {
      const std::string key = std::to_string(random() % 4);
      if (random() % 3 == 0) {
        Tag(key);
      } else {
        Deposit(key, std::vector<std::int64_t>(1 + random() % 3, static_cast<std::int64_t>(random() % 100)));
      }
    }
  }

  void Publish(const TopicLog::Event& event) {
    HeaderList headers;
    const absl::Status sent = producer_->Send(TopicLog::RecordOf(event, headers), [](absl::StatusOr<Delivery> done) {
      EXPECT_TRUE(done.ok()) << done.status();
    });
    EXPECT_TRUE(sent.ok()) << sent;
  }
  // Everything of the log that is not published yet.
  void Publish() {
    while (published_ < log_.events().size()) Publish(log_.at(++published_));
    ASSERT_TRUE(producer_->Flush(kLimit).ok());
  }

  std::unique_ptr<TopicEventSource> NewSource() {
    return std::make_unique<TopicEventSource>(
        *bus_, TopicEventSourceOptions{.topics = {kAccounts, kTaggings}, .ahead_bytes_max = ahead_bytes_max_});
  }

  // A process that projects: two projections over the topics.
  struct Reader {
    Reader(std::unique_ptr<TopicEventSource> s, store::KeyValue& models, ProjectorOptions options = {})
        : source(std::move(s)), runner(*source, models, std::move(options)) {
      EXPECT_TRUE((runner.Add<Tally, Account>()).ok());
      EXPECT_TRUE((runner.Add<ByBalance, Account>()).ok());
      runner.Recognise<Tagging>();
      runner.Start();
    }
    std::unique_ptr<TopicEventSource> source;
    ProjectionRunner runner;
  };
  // True if every projection came to the log's end.
  bool ReadToTheEnd(store::KeyValue& models, std::size_t batch_events_max = 1024) {
    ProjectorOptions options;
    options.batch_events_max = batch_events_max;
    Reader reader(NewSource(), models, options);
    bool all = true;
    for (const std::string& name : kBoth) all = reader.runner.WaitUntil(name, log_.end(), kLimit).ok() && all;
    return all;
  }

  // Waits until the projection has stopped, and gives why.
  static absl::Status StoppedBy(ProjectionRunner& runner, const std::string& name) {
    const absl::Status status = runner.WaitUntil(name, Position(~std::uint64_t{0}), kLimit);
    EXPECT_EQ(ReasonOf(status), "PROJECTION_STOPPED") << status;
    for (const auto& s : runner.Status()) {
      if (s.name == name) return s.error;
    }
    return absl::OkStatus();
  }

  static codec::EventCodec<Account::Event> codec_;
  std::unique_ptr<Bus> bus_ = daybook::testing::NewForgettingMemoryBus();
  std::unique_ptr<Producer> producer_;
  TopicLog log_;
  std::uint64_t published_ = 0;
  std::size_t ahead_bytes_max_ = 32 * 1024 * 1024;
  std::unique_ptr<store::KeyValue> models_ = store::NewMemoryKeyValue();
};
codec::EventCodec<Account::Event> TopicEventSourceTest::codec_;

TEST_F(TopicEventSourceTest, ProjectionsComeToWhatTheLogItselfWouldHaveGiven) {
  Fill(200, 1);
  Publish();
  ASSERT_TRUE(ReadToTheEnd(*models_));

  const auto store = store::NewMemoryEventStore();
  store::Batch batch;
  batch.epoch = *store->ClaimEpoch();
  for (const TopicLog::Event& event : log_.events()) {
    if (event.index == 0) batch.appends.push_back({*StreamId::Parse(event.stream), store::ExpectedRevision::Any(), {}});
    batch.appends.back().events.push_back({event.type, event.envelope, event.data});
  }
  ASSERT_TRUE(store->Append(batch).ok());
  const auto embedded = store::NewMemoryKeyValue();
  ProjectionRunner runner(*store, *embedded, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  ASSERT_TRUE((runner.Add<ByBalance, Account>()).ok());
  runner.Recognise<Tagging>();
  runner.Start();
  ASSERT_TRUE(runner.WaitUntil(kBoth, log_.end(), kLimit).ok());

  // All but the checkpoint, which says where the source goes on.
  Tables from_topics = DumpAll(*models_);
  Tables from_log = DumpAll(*embedded);
  for (Tables* const tables : {&from_topics, &from_log}) {
    for (auto& [name, rows] : *tables) EXPECT_EQ(rows.erase(std::string("\0c", 2)), 1u);
  }
  EXPECT_EQ(from_topics, from_log);
}

TEST_F(TopicEventSourceTest, ShowsWhatComesWhileItRuns) {
  Fill(10, 2);
  Publish();
  Reader reader(NewSource(), *models_);
  ASSERT_TRUE(reader.runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
  EXPECT_TRUE(reader.runner.Readiness().ok()) << reader.runner.Readiness();
  for (int i = 0; i < 20; ++i) {
    Deposit("live", {1, 2});
    Tag("live");
    Publish();
    ASSERT_TRUE(reader.runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
  }
  EXPECT_EQ(projection::RowOf(*models_, "tally.v1", "account/live"), "60");
  for (const auto& status : reader.runner.Status()) {
    EXPECT_EQ(status.position, log_.end());
    EXPECT_EQ(status.log_end, log_.end());
    EXPECT_EQ(status.lag_events, 0u);
  }
}

TEST_F(TopicEventSourceTest, ItIsNotReadyBeforeItShowsWhatTheTopicsHeldAtItsStart) {
  Fill(50, 3);
  Publish();
  FailingKeyValue slow(*models_);
  absl::Notification go;
  slow.BeforeWrite([&go] { go.WaitForNotification(); });
  Reader reader(NewSource(), slow);
  // Some status tells the end before the first batch is committed.
  ASSERT_TRUE(Eventually([&] { return reader.source->end() == log_.end(); }));
  EXPECT_FALSE(reader.runner.Readiness().ok());
  go.Notify();
  ASSERT_TRUE(reader.runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
  EXPECT_TRUE(reader.runner.Readiness().ok()) << reader.runner.Readiness();
}

TEST_F(TopicEventSourceTest, ACrashAtAnyWriteLeavesTablesEqualToAFullReplay) {
  Fill(15, 4);
  // With repeats on the way, as of a publisher that crashed.
  Publish();
  for (const std::uint64_t position : {1, 2, 3}) Publish(log_.at(position));
  Fill(15, 5);
  Publish();
  ASSERT_TRUE(ReadToTheEnd(*models_));
  const Tables expected = DumpAll(*models_);

  int crashes = 0;
  for (const auto how : {FailingKeyValue::Crash::kBeforeApplying, FailingKeyValue::Crash::kAfterApplying}) {
    for (int write = 1;; ++write) {
      const auto models = store::NewMemoryKeyValue();
      FailingKeyValue failing(*models);
      failing.CrashAt(write, how);
      ReadToTheEnd(failing, 7);
      if (!failing.crashed()) break;
      ++crashes;
      ASSERT_TRUE(ReadToTheEnd(*models, 7));
      ASSERT_EQ(DumpAll(*models), expected) << "write " << write;
    }
  }
  EXPECT_GT(crashes, 20);
}

TEST_F(TopicEventSourceTest, SeveralReadersAreIndependentAndEqual) {
  Fill(40, 6);
  Publish();
  const auto other_models = store::NewMemoryKeyValue();
  Reader one(NewSource(), *models_);
  Reader two(NewSource(), *other_models);
  Fill(40, 7);
  Publish();
  for (Reader* const reader : {&one, &two}) ASSERT_TRUE(reader->runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
  EXPECT_EQ(DumpAll(*models_), DumpAll(*other_models));
  const auto rebuilt = store::NewMemoryKeyValue();
  ASSERT_TRUE(ReadToTheEnd(*rebuilt, 3));
  EXPECT_EQ(DumpAll(*rebuilt), DumpAll(*models_));
}

TEST_F(TopicEventSourceTest, RepeatsAreDroppedAndCounted) {
  Fill(20, 8);
  Publish();
  for (std::uint64_t position = 5; position <= 12; ++position) Publish(log_.at(position));
  Deposit("last", {1});
  Publish();
  Reader reader(NewSource(), *models_);
  ASSERT_TRUE(reader.runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
  EXPECT_EQ(reader.source->repeats(), 16u) << "8 for each projection";
}

TEST_F(TopicEventSourceTest, AnEventThatOthersOvertookHoldsThemBackAndIsNamed) {
  Deposit("a", {1});
  Publish();
  Reader reader(NewSource(), *models_);
  ASSERT_TRUE(reader.runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
  Tag("a");           // 2, not published yet
  Deposit("a", {1});  // 3
  Publish(log_.at(3));
  ASSERT_TRUE(producer_->Flush(kLimit).ok());
  ASSERT_TRUE(Eventually([&] { return reader.source->end() == Position(3); }));
  EXPECT_FALSE(reader.runner.WaitUntil("tally.v1", Position(2), absl::Milliseconds(50)).ok());
  EXPECT_TRUE(reader.runner.Status()[0].waiting.ok()) << "that is no news yet";
  Publish(log_.at(2));
  EXPECT_TRUE(reader.runner.WaitUntil(kBoth, Position(3), kLimit).ok());
}

TEST_F(TopicEventSourceTest, AnEventThatStaysAwayMakesTheReaderUnready) {
  Tag("a");
  Deposit("a", {1});
  Publish(log_.at(2));
  ASSERT_TRUE(producer_->Flush(kLimit).ok());
  TopicEventSource impatient(*bus_, {.topics = {kAccounts, kTaggings}, .overtaken_max = absl::ZeroDuration()});
  ProjectionRunner runner(impatient, *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  runner.Recognise<Tagging>();
  runner.Start();
  absl::Status waiting;
  ASSERT_TRUE(Eventually([&] { return !(waiting = runner.Status()[0].waiting).ok(); }));
  EXPECT_EQ(ReasonOf(waiting), "EVENT_OVERTAKEN");
  EXPECT_THAT(std::string(waiting.message()), HasSubstr("position 1"));
  EXPECT_THAT(std::string(runner.Readiness().message()), HasSubstr("position 1"));
  Publish(log_.at(1));
  EXPECT_TRUE(runner.WaitUntil("tally.v1", Position(2), kLimit).ok());
  EXPECT_TRUE(runner.Status()[0].waiting.ok());
}

TEST_F(TopicEventSourceTest, AGapStopsItWithItsPlaceAndWhatCameBeforeIsShown) {
  for (int i = 0; i < 4; ++i) Deposit("a", {1});
  for (const std::uint64_t position : {1, 2, 4}) Publish(log_.at(position));
  ASSERT_TRUE(producer_->Flush(kLimit).ok());
  Reader reader(NewSource(), *models_);
  const absl::Status error = StoppedBy(reader.runner, "tally.v1");
  EXPECT_EQ(error.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(error), "EVENTS_MISSING");
  EXPECT_THAT(std::string(error.message()), HasSubstr("follows on position 3"));
  EXPECT_EQ(projection::RowOf(*models_, "tally.v1", "sum"), "2");
}

TEST_F(TopicEventSourceTest, ARecordThatIsNoEventIsSetAsideOnceAndTheRestGoesOn) {
  const std::string letters = DeadLetterTopic(kAccounts);
  ASSERT_TRUE(bus_->admin().CreateTopic({.topic = letters}, kLimit).ok());
  const auto intrude = [&] {
    ASSERT_TRUE(producer_->Send({.topic = kAccounts, .key = "a", .value = "hello"}, [](auto) {}).ok());
    ASSERT_TRUE(producer_->Flush(kLimit).ok());
  };
  intrude();
  Deposit("a", {1});
  Publish();
  intrude();
  Deposit("a", {1});
  Publish();
  intrude();
  for (int run = 0; run < 2; ++run) {  // the second one meets them again, and their letters
    const auto writer = *DeadLetterWriter::Start({.name = "reader", .topics = {kAccounts}}, *bus_);
    TopicEventSource source(
        *bus_, {.topics = {kAccounts, kTaggings},
                .on_foreign = [&](const Record& record, const absl::Status& why) { writer->Write(record, why); }});
    const auto models = store::NewMemoryKeyValue();
    ProjectionRunner runner(source, *models, {});
    ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
    ASSERT_TRUE((runner.Add<ByBalance, Account>()).ok());
    runner.Recognise<Tagging>();
    runner.Start();
    EXPECT_TRUE(runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
    EXPECT_EQ(projection::RowOf(*models, "tally.v1", "sum"), "2");
    EXPECT_TRUE(Eventually([&] { return source.foreign() == 3; }));
    EXPECT_TRUE(Eventually([&] {
      const DeadLetterWriterStats stats = writer->stats();
      return run == 0 ? stats.written == 3 : stats.there_before == 3;
    }));
    EXPECT_TRUE(runner.Readiness().ok()) << runner.Readiness();
  }
  const auto written = ReadTail(*bus_, {letters, BusPartition(0)}, 100, kLimit);
  ASSERT_TRUE(written.ok()) << written.status();
  ASSERT_EQ(written->size(), 3u);
  const Record& letter = written->records()[0];
  EXPECT_EQ(letter.value, "hello");
  EXPECT_EQ(cloudevents::FindHeader(letter.headers, "__connect.errors.topic"), kAccounts);
  EXPECT_EQ(cloudevents::FindHeader(letter.headers, "__connect.errors.offset"), "0");
  EXPECT_EQ(cloudevents::FindHeader(letter.headers, "__connect.errors.connector.name"), "reader");
  EXPECT_EQ(cloudevents::FindHeader(letter.headers, "__connect.errors.exception.class.name"),
            "INVALID_ARGUMENT:NOT_AN_EVENT");
}

TEST_F(TopicEventSourceTest, RecordsThatAreNoEventsAreToldOneByOneInTheirOrder) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(producer_->Send({.topic = kAccounts, .key = "a", .value = "hello"}, [](auto) {}).ok());
  }
  ASSERT_TRUE(producer_->Flush(kLimit).ok());
  absl::Mutex mu;
  std::vector<std::int64_t> told;
  const auto tell = [&](const Record& record, const absl::Status&) {
    absl::MutexLock lock(&mu);
    // Whoever meets the first one is slow to tell it: time for the other feed to come with the next ones.
    const auto others = [&told] { return !told.empty(); };
    if (record.offset == Offset(0)) mu.AwaitWithTimeout(absl::Condition(&others), absl::Milliseconds(300));
    told.push_back(record.offset.value());
  };
  TopicEventSource source(*bus_, {.topics = {kAccounts, kTaggings}, .on_foreign = tell});
  ProjectionRunner runner(source, *models_, {});
  ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
  ASSERT_TRUE((runner.Add<ByBalance, Account>()).ok());
  runner.Recognise<Tagging>();
  runner.Start();
  absl::MutexLock lock(&mu);
  const auto all = [&told] { return told.size() == 3; };
  ASSERT_TRUE(mu.AwaitWithTimeout(absl::Condition(&all), kLimit));
  EXPECT_EQ(told, (std::vector<std::int64_t>{0, 1, 2}));
}

TEST_F(TopicEventSourceTest, AnEventOfAnotherLogStopsIt) {
  Deposit("a", {1});
  Publish();
  Reader reader(NewSource(), *models_);
  ASSERT_TRUE(reader.runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
  TopicLog::Event strange = log_.at(1);
  strange.stream = "stranger/1";
  HeaderList headers;
  OutgoingRecord record = TopicLog::RecordOf(strange, headers);
  record.key = "another";
  ASSERT_TRUE(producer_->Send(record, [](auto) {}).ok());
  EXPECT_EQ(ReasonOf(StoppedBy(reader.runner, "tally.v1")), "NOT_AN_EVENT");
}

TEST_F(TopicEventSourceTest, AnEventThatIsDamagedIsNotPassedOverAsNoEvent) {
  Deposit("a", {1});
  Deposit("a", {1});
  Deposit("a", {1});
  Publish(log_.at(1));
  HeaderList headers;
  OutgoingRecord damaged = TopicLog::RecordOf(log_.at(2), headers);
  damaged.headers = {};
  ASSERT_TRUE(producer_->Send(damaged, [](auto) {}).ok());
  Publish(log_.at(3));
  ASSERT_TRUE(producer_->Flush(kLimit).ok());
  Reader reader(NewSource(), *models_);
  EXPECT_EQ(ReasonOf(StoppedBy(reader.runner, "tally.v1")), "EVENTS_MISSING");
  EXPECT_EQ(projection::RowOf(*models_, "tally.v1", "sum"), "1");
}

TEST_F(TopicEventSourceTest, TopicsMadeAnewStopItAndItSaysWhatToDo) {
  Fill(10, 9);
  Publish();
  ASSERT_TRUE(ReadToTheEnd(*models_));
  for (const char* const topic : {kAccounts, kTaggings}) ASSERT_TRUE(bus_->admin().DeleteTopic(topic, kLimit).ok());
  MakeTopics();
  published_ = 0;
  log_ = TopicLog();
  log_.StartIdsAt(1000);
  Fill(30, 10);
  Publish();
  {
    Reader reader(NewSource(), *models_);
    const absl::Status error = StoppedBy(reader.runner, "tally.v1");
    EXPECT_EQ(error.code(), absl::StatusCode::kFailedPrecondition) << error;
    EXPECT_EQ(ReasonOf(error), "TOPIC_RECREATED") << error;
    EXPECT_THAT(std::string(error.message()), HasSubstr("delete the read models"));
  }
  const auto rebuilt = store::NewMemoryKeyValue();
  EXPECT_TRUE(ReadToTheEnd(*rebuilt)) << "as it says";
}

TEST_F(TopicEventSourceTest, EmptyTopicsInPlaceOfThoseThatWereReadStopItToo) {
  Fill(10, 9);
  Publish();
  ASSERT_TRUE(ReadToTheEnd(*models_));
  for (const char* const topic : {kAccounts, kTaggings}) ASSERT_TRUE(bus_->admin().DeleteTopic(topic, kLimit).ok());
  MakeTopics();
  Reader reader(NewSource(), *models_);
  const absl::Status error = StoppedBy(reader.runner, "tally.v1");
  EXPECT_EQ(error.code(), absl::StatusCode::kFailedPrecondition) << error;
  EXPECT_THAT(std::string(error.message()), HasSubstr("delete the read models"));
}

TEST_F(TopicEventSourceTest, WhatRetentionTookIsNamedAndNeverSkipped) {
  Fill(10, 11);
  Publish();
  ASSERT_TRUE(bus_->admin().DeleteRecords({kAccounts, BusPartition(0)}, Offset(2), kLimit).ok());
  Reader reader(NewSource(), *models_);
  EXPECT_EQ(ReasonOf(StoppedBy(reader.runner, "tally.v1")), "EVENTS_MISSING");
}

TEST_F(TopicEventSourceTest, TopicsThatDoNotExistYetAreWaitedFor) {
  for (const char* const topic : {kAccounts, kTaggings}) ASSERT_TRUE(bus_->admin().DeleteTopic(topic, kLimit).ok());
  Reader reader(NewSource(), *models_);
  absl::Status waiting;
  ASSERT_TRUE(Eventually([&] { return !(waiting = reader.runner.Status()[0].waiting).ok(); }));
  EXPECT_THAT(std::string(waiting.message()), HasSubstr("there is no accounts/0 yet"));
  EXPECT_FALSE(reader.runner.Readiness().ok());
  MakeTopics();
  Fill(5, 12);
  Publish();
  EXPECT_TRUE(reader.runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
  EXPECT_TRUE(reader.runner.Readiness().ok()) << reader.runner.Readiness();
}

TEST_F(TopicEventSourceTest, AReadModelOfALogIsNotTakenForOneOfTopics) {
  projection::AccountLog log;
  log.Append("a", {projection::Deposited(1)});
  {
    ProjectionRunner runner(log.store(), *models_, {});
    ASSERT_TRUE((runner.Add<Tally, Account>()).ok());
    runner.Start();
    ASSERT_TRUE(runner.WaitUntil("tally.v1", log.end(), kLimit).ok());
  }
  Deposit("a", {1});
  Publish();
  Reader reader(NewSource(), *models_);
  EXPECT_THAT(std::string(StoppedBy(reader.runner, "tally.v1").message()), HasSubstr("built from a log"));
}

TEST_F(TopicEventSourceTest, AHistoryThatLiesInOneTopicFirstIsReadWithinItsMemory) {
  // All accounts after all taggings: what is read of the accounts must wait.
  for (int i = 0; i < 300; ++i) Tag(std::to_string(i % 7));
  for (int i = 0; i < 300; ++i) Deposit(std::to_string(i % 7), {1});
  Publish();
  ASSERT_TRUE(ReadToTheEnd(*models_));
  const Tables expected = DumpAll(*models_);
  ahead_bytes_max_ = 4 * 1024;
  const auto models = store::NewMemoryKeyValue();
  ASSERT_TRUE(ReadToTheEnd(*models, 10));
  EXPECT_EQ(DumpAll(*models), expected);
}

TEST_F(TopicEventSourceTest, TellsWhenACommandIsShownAndWhenItPassedEachStage) {
  Fill(20, 13);
  Publish();
  struct Seen {
    std::string projection;
    Position position;
    Timestamp recorded;
    std::optional<Timestamp> published;
    std::optional<Timestamp> received;
    Timestamp shown;
  };
  absl::Mutex mu;
  std::vector<Seen> seen;
  ProjectorOptions options;
  options.on_shown = [&](const projection::Shown& shown) {
    absl::MutexLock lock(&mu);
    seen.push_back({std::string(shown.projection), shown.position, shown.metadata.recorded_at, shown.arrival.published,
                    shown.arrival.received, shown.shown});
  };
  Reader reader(NewSource(), *models_, options);
  ASSERT_TRUE(reader.runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
  const Position before = log_.end();
  Tag("a");
  Deposit("a", {1, 2});
  Publish();
  ASSERT_TRUE(reader.runner.WaitUntil(kBoth, log_.end(), kLimit).ok());
  reader.runner.Stop();
  absl::MutexLock lock(&mu);
  ASSERT_EQ(seen.size(), 2u) << "one command of two events, in two read models; nothing of what was there";
  for (const Seen& one : seen) {
    EXPECT_EQ(one.position, before.Plus(3));
    EXPECT_EQ(one.recorded.micros(), 1'700'000'000'000'000 + static_cast<std::int64_t>(before.value()) + 3);
    ASSERT_TRUE(one.published && one.received);
    EXPECT_LE(*one.published, *one.received);
    EXPECT_LE(*one.received, one.shown);
  }
}

}  // namespace
}  // namespace daybook::bus
