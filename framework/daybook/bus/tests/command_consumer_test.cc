#include "daybook/bus/command_consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "absl/strings/match.h"
#include "daybook/base/reason.h"
#include "daybook/bus/command_record.h"
#include "daybook/bus/tests/crashing_bus.h"
#include "daybook/bus/tests/published_log.h"
#include "daybook/runtime/tests/account.h"
#include "daybook/runtime/tests/harness.h"
#include "daybook/testing/forgetting_bus.h"
#include "daybook/testing/seeded_bug.h"

namespace daybook::bus {
namespace {

using ::testing::HasSubstr;
using Failure = runtime::GatedCommitPoint::Failure;
using AccountAggregate = runtime::Account;

constexpr char kCommands[] = "test.account.commands.v1";
constexpr char kLetters[] = "test.account.commands.v1.dlq";

std::string Bytes(const google::protobuf::Message& message) { return message.SerializeAsString(); }

// Topics, a store, and everything between them, which can be taken down and put up again.
class CommandConsumerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    CreateTopic(kCommands);
    CreateTopic(kLetters);
  }
  void TearDown() override {
    gate_.Open();
    Down();
  }

  void CreateTopic(const std::string& topic) {
    ASSERT_TRUE(
        bus_->admin().CreateTopic({.topic = topic, .partitions = 1, .replication = 1, .config = {}}, kLimit).ok());
  }

  CommandConsumerOptions Consuming() {
    CommandConsumerOptions options;
    options.topics = {kCommands};
    options.retry_delay_min = absl::Milliseconds(1);
    return options;
  }
  void Up() { Up(Consuming(), {}, *bus_); }
  void Up(CommandConsumerOptions options, runtime::PartitionOptions partition, Bus& bus) {
    auto started = runtime::Partition::Start(partition, *store_, gate_);
    ASSERT_TRUE(started.ok()) << started.status();
    partition_ = *std::move(started);
    accounts_.emplace(*partition_);
    router_.emplace();
    router_->Add(*accounts_);
    auto consumer = CommandConsumer::Start(std::move(options), bus, *partition_, *router_);
    ASSERT_TRUE(consumer.ok()) << consumer.status();
    consumer_ = *std::move(consumer);
  }
  void Down(absl::Duration grace = absl::Seconds(10)) {
    if (consumer_ != nullptr) consumer_->Stop(grace);
    consumer_.reset();
    partition_.reset();
  }

  // Writes a command record; `change` may spoil it.
  void Write(std::string key, const google::protobuf::Message& message, std::uint64_t id,
             const std::function<void(BusCommand&)>& change = nullptr) {
    BusCommand command;
    command.id = runtime::IdOf(id, FromAbslTime(ToAbslTime(Clock::System().Now())));
    if (ids_.contains(id)) command.id = ids_[id];
    ids_[id] = command.id;
    command.stream = StreamId("account", key);
    command.type = message.GetDescriptor()->full_name();
    command.payload = Bytes(message);
    command.source = "/test";
    if (change) change(command);
    HeaderList headers;
    const auto record = EncodeCommand(kCommands, command, headers);
    ASSERT_TRUE(record.ok()) << record.status();
    WriteRecord(*record);
  }
  void WriteRecord(const OutgoingRecord& record) {
    if (producer_ == nullptr) producer_ = *bus_->NewProducer({.name = "test", .topics = {kCommands}});
    absl::Status sent = producer_->Send(record, [](const auto&) {});
    ASSERT_TRUE(sent.ok()) << sent;
    sent = producer_->Flush(kLimit);
    ASSERT_TRUE(sent.ok()) << sent;
  }

  void ReadTwoAndMakeTheTopicAnew() {
    Write("1", runtime::Open(), 1);
    Write("1", runtime::Deposit(1), 2);
    Up();
    EXPECT_TRUE(WaitUntilAllIsStored());
    Down();
    producer_.reset();
    ASSERT_TRUE(bus_->admin().DeleteTopic(kCommands, kLimit).ok());
    CreateTopic(kCommands);
  }

  std::int64_t EndOfTopic() {
    const auto consumer = *bus_->NewConsumer({.name = "end"});
    return consumer->Offsets({kCommands, BusPartition(0)}, kLimit)->end.value();
  }
  // The offset behind which the next one goes on.
  std::int64_t StoredOffset() {
    const auto text = *store_->FindInputPosition("test.account.commands.v1/0");
    return text.has_value() ? std::stoll(*text) : -1;
  }
  bool WaitUntilAllIsStored() {
    // What is stored is told to the consumer a little later, and counted then.
    return Eventually([&] {
      return StoredOffset() + 1 == EndOfTopic() && (consumer_ == nullptr || consumer_->stats().in_flight == 0);
    });
  }
  std::int64_t Balance(std::string_view key) { return accounts_->Load(key)->state.balance(); }
  std::size_t Events() { return runtime::ReadLog(*store_).size(); }

  std::unique_ptr<Bus> bus_ = daybook::testing::NewForgettingMemoryBus();
  std::unique_ptr<store::EventStore> store_ = store::NewMemoryEventStore();
  runtime::GatedCommitPoint gate_{*store_};
  std::map<std::uint64_t, CommandId> ids_;
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<runtime::Partition> partition_;
  std::optional<runtime::Executor<AccountAggregate>> accounts_;
  std::optional<CommandRouter> router_;
  std::unique_ptr<CommandConsumer> consumer_;
};

TEST_F(CommandConsumerTest, CommandsOfATopicAreExecutedInOrder) {
  Write("1", runtime::Open(), 1);
  Write("1", runtime::Deposit(5), 2);
  Up();
  Write("1", runtime::Withdraw(9), 3);  // rejected: an outcome too
  Write("1", runtime::Withdraw(2), 4);
  EXPECT_TRUE(WaitUntilAllIsStored());
  EXPECT_EQ(Balance("1"), 3);
  EXPECT_EQ(consumer_->stats().answered, 4u);
  EXPECT_EQ(consumer_->stats().dead_letters, 0u);
  EXPECT_EQ(partition_->FindOutcome(ids_[3])->rejection->reason, "OVERDRAWN");
  EXPECT_TRUE(consumer_->Readiness().ok()) << consumer_->Readiness();
}

TEST_F(CommandConsumerTest, WhatTheCommandBringsAlongStandsInTheEvents) {
  Write("1", runtime::Open(), 1, [](BusCommand& command) {
    command.actor = "gateway";
    command.correlation_id = "conversation";
    command.causation_id = "cause";
    command.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    command.source_time = Timestamp::FromMillis(1'700'000'000'001);
    command.source_change = "account.opened";
  });
  Up();
  EXPECT_TRUE(WaitUntilAllIsStored());
  const auto log = runtime::ReadLog(*store_);
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(log[0].metadata.command_id, ids_[1]);
  EXPECT_EQ(log[0].metadata.actor, "gateway");
  EXPECT_EQ(log[0].metadata.correlation_id, "conversation");
  EXPECT_EQ(log[0].metadata.causation_id, "cause");
  EXPECT_EQ(log[0].metadata.traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(log[0].metadata.source_change, "account.opened");
  EXPECT_EQ(log[0].metadata.source_time, Timestamp::FromMillis(1'700'000'000'001));
}

TEST_F(CommandConsumerTest, ARestartGoesOnBehindTheStoredPosition) {
  Write("1", runtime::Open(), 1);
  for (std::uint64_t i = 2; i <= 50; ++i) {
    Write("1", runtime::Deposit(1), i);
    if (i % 10 != 0) continue;
    Up();
    EXPECT_TRUE(WaitUntilAllIsStored());
    EXPECT_LE(consumer_->stats().commands, 10u);
    EXPECT_EQ(consumer_->stats().duplicates, 0u);
    Down();
  }
  Up();
  EXPECT_EQ(Balance("1"), 49);
}

TEST_F(CommandConsumerTest, ACommandThatIsOnTheTopicTwiceIsDoneOnce) {
  Write("1", runtime::Open(), 1);
  Write("1", runtime::Deposit(5), 2);
  Write("1", runtime::Deposit(5), 2);
  Up();
  EXPECT_TRUE(WaitUntilAllIsStored());
  EXPECT_EQ(Balance("1"), 5);
  EXPECT_EQ(consumer_->stats().duplicates, 1u);
}

TEST_F(CommandConsumerTest, ACrashAtAnyCommitLosesNothingAndDoesNothingTwice) {
  Write("1", runtime::Open(), 1);
  for (std::uint64_t i = 2; i <= 40; ++i) Write("1", runtime::Deposit(1), i);
  int crashes = 0;
  for (const Failure failure : {Failure::kBeforeWriting, Failure::kAfterWriting}) {
    for (int good = 0; good < 8; ++good) {
      store_ = store::NewMemoryEventStore();
      // A gate refers to its store: one for each.
      runtime::GatedCommitPoint gate(*store_);
      gate.Close();
      {
        auto partition = *runtime::Partition::Start({.batch_commands_max = 4}, *store_, gate);
        runtime::Executor<AccountAggregate> accounts(*partition);
        CommandRouter router;
        router.Add(accounts);
        auto consumer = *CommandConsumer::Start(Consuming(), *bus_, *partition, router);
        for (int i = 0; i < good; ++i) {
          ASSERT_TRUE(gate.WaitForArrivals(i + 1));
          gate.LetOneThrough();
        }
        ASSERT_TRUE(gate.WaitForArrivals(good + 1));
        gate.Fail(failure);
        gate.Open();
        EXPECT_TRUE(Eventually([&] { return ReasonOf(consumer->Readiness()) == "PARTITION_POISONED"; }));
        ++crashes;
      }
      auto partition = *runtime::Partition::Start({}, *store_);
      runtime::Executor<AccountAggregate> accounts(*partition);
      CommandRouter router;
      router.Add(accounts);
      auto consumer = *CommandConsumer::Start(Consuming(), *bus_, *partition, router);
      EXPECT_TRUE(WaitUntilAllIsStored());
      EXPECT_EQ(accounts.Load("1")->state.balance(), 39) << good;
      EXPECT_EQ(runtime::ReadLog(*store_).size(), 40u);
      for (const auto& [number, id] : ids_) EXPECT_TRUE(partition->FindOutcome(id).ok()) << number;
      // The position is in the batch of the events: nothing that was committed is read again.
      EXPECT_EQ(consumer->stats().duplicates, 0u);
    }
  }
  EXPECT_EQ(crashes, 16);
}

TEST_F(CommandConsumerTest, AFullQueueIsWaitedForAndNothingOvertakes) {
  Write("1", runtime::Open(), 1);
  for (std::uint64_t i = 2; i <= 200; ++i) Write("1", runtime::Deposit(1, absl::StrCat(i)), i);
  gate_.Close();
  Up(Consuming(), {.queue_commands_max = 3, .batch_commands_max = 2}, *bus_);
  EXPECT_TRUE(Eventually([&] { return consumer_->stats().retries > 0; }));
  gate_.Open();
  EXPECT_TRUE(WaitUntilAllIsStored());
  const auto log = runtime::ReadLog(*store_);
  ASSERT_EQ(log.size(), 200u);
  for (std::uint64_t i = 1; i <= 200; ++i) EXPECT_EQ(log[i - 1].metadata.command_id, ids_[i]);
  EXPECT_EQ(consumer_->stats().dead_letters, 0u);
}

TEST_F(CommandConsumerTest, NoMoreThanInFlightMaxAreReadAhead) {
  Write("1", runtime::Open(), 1);
  for (std::uint64_t i = 2; i <= 60; ++i) Write("1", runtime::Deposit(1), i);
  gate_.Close();
  CommandConsumerOptions options = Consuming();
  options.in_flight_max = 10;
  Up(options, {}, *bus_);
  EXPECT_TRUE(Eventually([&] { return consumer_->stats().in_flight == 10; }));
  EXPECT_EQ(consumer_->stats().commands, 10u);
  gate_.Open();
  EXPECT_TRUE(WaitUntilAllIsStored());
  EXPECT_EQ(Balance("1"), 59);
}

TEST_F(CommandConsumerTest, WhatCannotBeUnderstoodOrDoneIsADeadLetterAndTheRestGoesOn) {
  const std::string value("\x00\xff\x01", 3);
  HeaderList strange;
  strange.Add("tenant", "uk");
  strange.AddNull("empty");
  Write("1", runtime::Open(), 1);
  WriteRecord({.topic = kCommands, .key = "k", .value = value, .headers = strange.view()});
  Write("1", runtime::pb::Opened(), 2);                                                      // an event's type
  Write("1", runtime::Open(), 3, [](BusCommand& c) { c.payload = "\x08\xff"; });             // no such message
  Write("1", runtime::Open(), 4, [](BusCommand& c) { c.stream = StreamId("other", "1"); });  // no such aggregate
  Write("1", runtime::Deposit(1, "throw in decide"), 5);
  Write("2", runtime::Open(), 1);  // the id was used
  Write("1", runtime::Deposit(7), 6);
  Up();
  EXPECT_TRUE(WaitUntilAllIsStored());
  EXPECT_EQ(Balance("1"), 7);
  EXPECT_EQ(consumer_->stats().dead_letters, 6u);
  EXPECT_TRUE(consumer_->Readiness().ok()) << consumer_->Readiness();

  const RecordBatch letters = ReadTopic(*bus_, kLetters);
  ASSERT_EQ(letters.size(), 6u);
  std::map<std::string, std::string> causes;
  for (const Record& letter : letters.records()) {
    const auto header = [&](std::string_view name) {
      return std::string(cloudevents::FindHeader(letter.headers, name).value_or("-"));
    };
    EXPECT_EQ(header("__connect.errors.topic"), kCommands);
    EXPECT_EQ(header("__connect.errors.partition"), "0");
    EXPECT_NE(header("__connect.errors.exception.message"), "-");
    causes[header("__connect.errors.offset")] =
        header("__connect.errors.stage") + " " + header("__connect.errors.exception.class.name");
    if (header("__connect.errors.offset") != "1") continue;
    EXPECT_EQ(letter.key, "k");
    EXPECT_EQ(letter.value, value);
    EXPECT_EQ(header("tenant"), "uk");
    EXPECT_EQ(letter.headers[1].name, "empty");
    EXPECT_FALSE(letter.headers[1].value.has_value());
  }
  EXPECT_EQ(causes["1"], "VALUE_CONVERTER INVALID_ARGUMENT:NOT_A_COMMAND");
  EXPECT_EQ(causes["2"], "VALUE_CONVERTER INVALID_ARGUMENT:UNKNOWN_COMMAND_TYPE");
  EXPECT_EQ(causes["3"], "VALUE_CONVERTER INVALID_ARGUMENT:UNREADABLE_COMMAND");
  EXPECT_EQ(causes["4"], "VALUE_CONVERTER INVALID_ARGUMENT:UNKNOWN_COMMAND_TYPE");
  EXPECT_EQ(causes["5"], "TASK_PUT INTERNAL");
  EXPECT_EQ(causes["6"], "TASK_PUT ALREADY_EXISTS:COMMAND_ID_REUSED");
}

// How many of two bad records are among the dead letters after a crash that came before they were sent.
std::size_t LettersAfterACrash(const std::function<void()>& crash, const std::function<void()>& again, Bus& bus) {
  crash();
  again();
  return ReadTopic(bus, kLetters).size();
}

TEST_F(CommandConsumerTest, ThePositionWaitsUntilADeadLetterIsDurable) {
  const auto run = [&] {
    bus_ = daybook::testing::NewForgettingMemoryBus();
    producer_.reset();
    SetUp();
    store_ = store::NewMemoryEventStore();
    runtime::GatedCommitPoint gate(*store_);
    WriteRecord({.topic = kCommands, .key = "k", .value = "bad"});
    Write("1", runtime::Open(), 1);
    const auto with = [&](Bus& bus, const std::function<void(const CommandConsumer&)>& until) {
      auto partition = *runtime::Partition::Start({}, *store_, gate);
      runtime::Executor<AccountAggregate> accounts(*partition);
      CommandRouter router;
      router.Add(accounts);
      auto consumer = *CommandConsumer::Start(Consuming(), bus, *partition, router);
      until(*consumer);
      consumer->Stop(absl::ZeroDuration());
    };
    CrashingBus crashing(*bus_);
    crashing.CrashAt(1, CrashingBus::Crash::kBeforeWriting, CrashingBus::Afterwards::kDead);
    return LettersAfterACrash(
        [&] {
          with(crashing, [&](const CommandConsumer& consumer) {
            EXPECT_TRUE(Eventually([&] { return consumer.stats().answered == 1 && crashing.crashed(); }));
            EXPECT_TRUE(Eventually([&] { return !consumer.Readiness().ok(); }));
          });
        },
        [&] { with(*bus_, [&](const CommandConsumer&) { EXPECT_TRUE(WaitUntilAllIsStored()); }); }, *bus_);
  };
  EXPECT_EQ(run(), 1u);
  const testing::SeededBug bug("dead_letter_not_awaited");
  EXPECT_EQ(run(), 0u);
}

TEST_F(CommandConsumerTest, ATopicMadeAnewStopsItAndNothingIsSkipped) {
  ReadTwoAndMakeTheTopicAnew();
  Write("1", runtime::Deposit(1), 3);
  Up();
  EXPECT_TRUE(Eventually([&] { return absl::IsFailedPrecondition(consumer_->Readiness()); })) << consumer_->Readiness();
  EXPECT_EQ(ReasonOf(consumer_->Readiness()), "OFFSET_OUT_OF_RANGE");
  EXPECT_EQ(Balance("1"), 1);
}

TEST_F(CommandConsumerTest, ItCanBeStoppedWhilePositionsAreBeingForgotten) {
  ReadTwoAndMakeTheTopicAnew();
  gate_.Close();
  CommandConsumerOptions options = Consuming();
  options.forget_positions = {kCommands};
  Up(options, {}, *bus_);
  EXPECT_TRUE(Eventually([&] { return consumer_->stats().in_flight == 1; }));
  std::jthread stopping([&] { consumer_->Stop(absl::ZeroDuration()); });
  // The answer comes when the reader, which had asked, may be gone.
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(consumer_->Readiness().message(), "stopping"); }));
  gate_.Open();
  stopping.join();
  EXPECT_EQ(consumer_->stats().in_flight, 0u);
}

TEST_F(CommandConsumerTest, ATopicMadeAnewIsReadFromItsFirstRecordWhenItsPositionsAreForgotten) {
  ReadTwoAndMakeTheTopicAnew();
  Write("1", runtime::Deposit(1), 2);  // a repeat of what was done
  Write("1", runtime::Deposit(10), 3);
  Write("1", runtime::Deposit(100), 4);
  CommandConsumerOptions options = Consuming();
  options.forget_positions = {kCommands};
  Up(options, {}, *bus_);
  EXPECT_TRUE(WaitUntilAllIsStored());
  EXPECT_EQ(Balance("1"), 111);
  EXPECT_EQ(consumer_->stats().duplicates, 1u);
  EXPECT_TRUE(consumer_->Readiness().ok()) << consumer_->Readiness();
  Down();

  Write("1", runtime::Deposit(1000), 5);  // and from there on as always
  Up();
  EXPECT_TRUE(WaitUntilAllIsStored());
  EXPECT_EQ(Balance("1"), 1111);
  EXPECT_EQ(consumer_->stats().commands, 1u);
  Down();

  options.forget_positions = {"another"};
  auto partition = *runtime::Partition::Start({}, *store_, gate_);
  EXPECT_TRUE(absl::IsInvalidArgument(CommandConsumer::Start(options, *bus_, *partition, *router_).status()));
}

TEST_F(CommandConsumerTest, ATopicThatIsGoneWhereOnlyALaterPartitionWasReadStopsIt) {
  ASSERT_TRUE(bus_->admin().AddPartitions(kCommands, 3, kLimit).ok());
  producer_.reset();
  HeaderList headers;
  BusCommand command;
  command.id = runtime::IdOf(1, FromAbslTime(ToAbslTime(Clock::System().Now())));
  command.stream = StreamId("account", "1");
  command.type = runtime::Open().GetDescriptor()->full_name();
  command.source = "/test";
  auto record = *EncodeCommand(kCommands, command, headers);
  record.partition = BusPartition(2);
  WriteRecord(record);
  Up();
  EXPECT_TRUE(Eventually([&] { return consumer_->stats().answered == 1; }));
  Down();
  producer_.reset();
  ASSERT_TRUE(bus_->admin().DeleteTopic(kCommands, kLimit).ok());
  Up();
  EXPECT_TRUE(Eventually([&] { return ReasonOf(consumer_->Readiness()) == "PARTITION_GONE"; }))
      << consumer_->Readiness();
}

TEST_F(CommandConsumerTest, RetentionThatOvertookTheStoredPositionStopsIt) {
  Write("1", runtime::Open(), 1);
  Up();
  EXPECT_TRUE(WaitUntilAllIsStored());
  Down();
  for (std::uint64_t i = 2; i <= 6; ++i) Write("1", runtime::Deposit(1), i);
  ASSERT_TRUE(bus_->admin().DeleteRecords({kCommands, BusPartition(0)}, Offset(4), kLimit).ok());
  Up();
  EXPECT_TRUE(Eventually([&] { return ReasonOf(consumer_->Readiness()) == "OFFSET_OUT_OF_RANGE"; }))
      << consumer_->Readiness();
  EXPECT_EQ(Balance("1"), 0);
}

TEST_F(CommandConsumerTest, RandomCommandsAndRestartsEndAsIfNothingHadHappened) {
  const std::uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  std::int64_t expected = 0;
  std::uint64_t id = 0;
  std::size_t letters = 0;
  Write("1", runtime::Open(), ++id);
  for (int round = 0; round < 15; ++round) {
    Up(Consuming(), {.queue_commands_max = random() % 5 + 1}, *bus_);
    for (std::uint64_t i = random() % 20; i > 0; --i) {
      switch (random() % 4) {
        case 0:
          Write("1", runtime::Deposit(1), std::max<std::uint64_t>(2, id / 2 + 1));  // perhaps a repeat, perhaps reuse
          if (!ids_.contains(id + 1) && std::max<std::uint64_t>(2, id / 2 + 1) > id) ++id, ++expected;
          break;
        case 1:
          WriteRecord({.topic = kCommands, .key = "k", .value = "bad"});
          ++letters;
          break;
        default:
          Write("1", runtime::Deposit(1), ++id);
          ++expected;
      }
    }
    Down(random() % 2 == 0 ? absl::ZeroDuration() : absl::Seconds(10));
  }
  Up();
  EXPECT_TRUE(WaitUntilAllIsStored());
  EXPECT_EQ(Balance("1"), expected);
  EXPECT_GE(ReadTopic(*bus_, kLetters).size(), letters);
}

}  // namespace
}  // namespace daybook::bus
