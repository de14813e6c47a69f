#include "daybook/runtime/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "daybook/base/reason.h"
#include "daybook/runtime/tests/harness.h"

namespace daybook::runtime {
namespace {

using ::testing::HasSubstr;

class ExecutorTest : public RuntimeTest {};

TEST_F(ExecutorTest, ACommandIsDecidedStoredAndAnswered) {
  const Outcome opened = Do("1", Open(), {.id = IdOf(1)});
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->result, Result::kCommitted);
  EXPECT_EQ(opened->id, IdOf(1));
  EXPECT_EQ(opened->stream.text(), "account/1");
  EXPECT_EQ(opened->revision, Revision(1));
  EXPECT_EQ(opened->position, Position(1));
  EXPECT_EQ(opened->event_count, 1u);
  EXPECT_FALSE(opened->duplicate);
  const Outcome deposited = Do("1", Deposit(5, "pay", 3));
  ASSERT_TRUE(deposited.ok()) << deposited.status();
  EXPECT_EQ(deposited->revision, Revision(4));
  EXPECT_EQ(deposited->position, Position(4));
  EXPECT_EQ(deposited->event_count, 3u);
  EXPECT_NE(deposited->id, CommandId());
  EXPECT_EQ(Balance("1"), 15);
}

TEST_F(ExecutorTest, EveryEventCarriesItsEnvelope) {
  CommandOptions options;
  options.id = IdOf(1);
  options.actor = "ada";
  options.correlation_id = "c-1";
  options.causation_id = "e-0";
  options.traceparent = "00-1-2-01";
  options.source_time = Timestamp::FromMillis(5);
  ASSERT_TRUE(Do("1", Open(), {.id = IdOf(9)}).ok());
  ASSERT_TRUE(Do("1", Deposit(5, "", 2), options).ok());
  const std::vector<LoggedEvent> log = ReadLog(*store_);
  ASSERT_EQ(log.size(), 3u);
  for (std::uint32_t i = 0; i < 2; ++i) {
    const LoggedEvent& event = log[i + 1];
    EXPECT_EQ(event.type, "daybook_test.v1.Deposited");
    EXPECT_EQ(event.metadata.event_id, codec::EventIdOf(IdOf(1), i));
    EXPECT_EQ(event.metadata.command_id, IdOf(1));
    EXPECT_EQ(event.metadata.actor, "ada");
    EXPECT_EQ(event.metadata.correlation_id, "c-1");
    EXPECT_EQ(event.metadata.causation_id, "e-0");
    EXPECT_EQ(event.metadata.traceparent, "00-1-2-01");
    EXPECT_EQ(event.metadata.source_time, Timestamp::FromMillis(5));
    EXPECT_EQ(event.metadata.recorded_at, kStart);
    EXPECT_EQ(event.metadata.event_index, i);
    EXPECT_EQ(event.metadata.event_count, 2u);
  }
}

TEST_F(ExecutorTest, EachCommandOfABatchSeesWhatTheEarlierOnesStaged) {
  gate_.Close();
  Send("first", "0", Open());
  ASSERT_TRUE(gate_.WaitForArrivals(1));  // the rest gathers behind this commit
  Send("open", "1", Open());
  Send("deposit", "1", Deposit(10));
  Send("withdraw", "1", Withdraw(7));
  Send("overdraw", "1", Withdraw(7));
  gate_.Open();
  const auto answers = answers_.Wait(5);
  EXPECT_EQ(answers[3].second->revision, Revision(3));
  EXPECT_EQ(answers[4].second->result, Result::kRejected);
  EXPECT_EQ(answers[4].second->rejection->reason, "OVERDRAWN");
  EXPECT_EQ(Balance("1"), 3);
}

TEST_F(ExecutorTest, RejectionsAndUnchangedAreStoredOutcomes) {
  const Outcome rejected = Do("1", Deposit(1), {.id = IdOf(1)});
  ASSERT_TRUE(rejected.ok()) << rejected.status();
  ASSERT_EQ(rejected->result, Result::kRejected);
  EXPECT_EQ(rejected->rejection->code, Code::kNotFound);
  ASSERT_TRUE(Do("1", Open(), {.id = IdOf(2)}).ok());
  const Outcome unchanged = Do("1", Open(), {.id = IdOf(3)});
  ASSERT_TRUE(unchanged.ok());
  EXPECT_EQ(unchanged->result, Result::kUnchanged);
  EXPECT_EQ(unchanged->position, Position(1));
  Reopen();
  const Outcome again = Do("1", Deposit(1), {.id = IdOf(1)});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->result, Result::kRejected);
  EXPECT_EQ(again->rejection, rejected->rejection);
  const Outcome still = Do("1", Open(), {.id = IdOf(3)});
  EXPECT_TRUE(still->duplicate);
  EXPECT_EQ(still->result, Result::kUnchanged);
}

TEST_F(ExecutorTest, AStoredOutcomeIsFoundByItsId) {
  ASSERT_TRUE(Do("1", Open(), {.id = IdOf(1)}).ok());
  const Outcome found = accounts_->FindOutcome(IdOf(1));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->result, Result::kCommitted);
  EXPECT_EQ(found->stream.text(), "account/1");
  EXPECT_EQ(accounts_->FindOutcome(IdOf(2)).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ExecutorTest, AnExpectedRevisionThatDoesNotHoldIsAborted) {
  ASSERT_TRUE(Do("1", Open()).ok());
  const Outcome outcome =
      Do("1", Deposit(1), {.id = IdOf(1), .expected = store::ExpectedRevision::Exactly(Revision(7))});
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(outcome.status()), "REVISION_MISMATCH");
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("account/1 is at revision 1; expected revision 7"));
  // It is not stored: the same id may be tried again.
  const Outcome again = Do("1", Deposit(1), {.id = IdOf(1), .expected = store::ExpectedRevision::Exactly(Revision(1))});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->result, Result::kCommitted);
  EXPECT_FALSE(again->duplicate);
}

TEST_F(ExecutorTest, ADeadlineThatHasPassedWritesNothing) {
  CommandOptions options;
  options.id = IdOf(1);
  options.deadline = ToAbslTime(kStart) + absl::Seconds(1);
  gate_.Close();
  Send("first", "0", Open());
  ASSERT_TRUE(gate_.WaitForArrivals(1));
  clock_.Advance(absl::Seconds(2));
  Send("late", "1", Open(), options);
  gate_.Open();
  const auto answers = answers_.Wait(2);
  EXPECT_EQ(answers[1].second.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(store_->DurableWatermark(), Position(1));
  EXPECT_EQ(accounts_->FindOutcome(IdOf(1)).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ExecutorTest, AFullQueueRefusesWithAHint) {
  PartitionOptions options = Options();
  options.queue_commands_max = 4;
  options.batch_commands_max = 1;
  Reopen(options);
  gate_.Close();
  // One is in the commit, one in the mailbox, the rest waits; sooner or later there is no room.
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    accounts_->Execute(std::to_string(i), Open(), {}, [&, named = answers_.Named("x")](Outcome outcome) mutable {
      if (!outcome.ok()) {
        ++refused;
        EXPECT_EQ(outcome.status().code(), absl::StatusCode::kResourceExhausted);
        EXPECT_EQ(ReasonOf(outcome.status()), "QUEUE_FULL");
        EXPECT_TRUE(RetryAfterOf(outcome.status()).has_value());
      }
      named(std::move(outcome));
    });
    if (i == 0) {
      ASSERT_TRUE(gate_.WaitForArrivals(1));
    }
  }
  EXPECT_GE(refused, 20 - 1 - 1 - 4);
  gate_.Open();
  answers_.Wait(20);
}

TEST_F(ExecutorTest, UserCodeThatThrowsFailsItsCommandOnly) {
  ASSERT_TRUE(Do("1", Open()).ok());
  ASSERT_TRUE(Do("1", Deposit(5)).ok());
  for (const char* note : {"throw in decide", "throw a number", "throw in evolve", "not utf-8"}) {
    const Outcome outcome = Do("1", Deposit(100, note), {.id = IdOf(1)});
    EXPECT_EQ(outcome.status().code(), absl::StatusCode::kInternal) << note;
    const Outcome next = Do("1", Deposit(1));
    ASSERT_TRUE(next.ok()) << next.status();
  }
  EXPECT_EQ(Balance("1"), 9);
  EXPECT_EQ(accounts_->FindOutcome(IdOf(1)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(partition_->health().ok());
}

TEST_F(ExecutorTest, AStateThatBrokeWhileItsEventsWereStagedIsLoadedAgainWithThem) {
  gate_.Close();
  Send("first", "0", Open());
  ASSERT_TRUE(gate_.WaitForArrivals(1));
  Send("open", "1", Open());
  Send("deposit", "1", Deposit(5));
  Send("breaks", "1", Deposit(100, "throw in evolve", 2));
  Send("goes on", "1", Deposit(2));
  Send("breaks again", "1", Deposit(100, "throw in evolve"));
  Send("ends", "1", Withdraw(7));
  gate_.Open();
  const auto answers = answers_.Wait(7);
  for (const auto& [name, outcome] : answers) {
    if (name.find("breaks") == 0) {
      EXPECT_EQ(outcome.status().code(), absl::StatusCode::kInternal);
      EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("Evolve threw: evolve failed"));
    } else {
      ASSERT_TRUE(outcome.ok()) << name << outcome.status();
      EXPECT_EQ(outcome->result, Result::kCommitted) << name;
    }
  }
  EXPECT_EQ(Balance("1"), 0);
  EXPECT_EQ(store_->DurableWatermark(), Position(5));
}

TEST_F(ExecutorTest, BadKeysAndOptionsAreRefusedByName) {
  for (const std::string& key : {std::string(), std::string("a\nb"), std::string("\xff"), std::string(300, 'x')}) {
    const Outcome outcome = Do(key, Open());
    EXPECT_EQ(outcome.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(outcome.status()), "BAD_STREAM_KEY");
  }
  const Outcome outcome = Do("1", Open(), {.actor = "\xff"});
  EXPECT_EQ(ReasonOf(outcome.status()), "BAD_COMMAND_OPTIONS");
}

TEST_F(ExecutorTest, AnUnknownEventTypeIsNamedWithItsPosition) {
  ASSERT_TRUE(Do("1", Open()).ok());
  store::Batch batch;
  batch.epoch = *store_->ClaimEpoch();
  batch.appends.push_back({StreamId("account", "1"), store::ExpectedRevision::Any(), {{"acme.v1.Lost", "", ""}}});
  ASSERT_TRUE(store_->Append(batch).ok());
  Reopen();
  const Outcome outcome = Do("1", Deposit(1));
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ReasonOf(outcome.status()), "UNKNOWN_EVENT_TYPE");
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("position 2 (stream account/1 revision 2"));
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("acme.v1.Lost"));
  ASSERT_TRUE(Do("2", Open()).ok()) << "other streams go on";
}

TEST_F(ExecutorTest, AnOldTypeIsUpcastWhenTheStateIsLoaded) {
  store::Batch batch;
  batch.epoch = *store_->ClaimEpoch();
  batch.appends.push_back({StreamId("account", "1"), store::ExpectedRevision::Any(), {{"acme.v0.Opened", "", "Ada"}}});
  ASSERT_TRUE(store_->Append(batch).ok());
  Executor<Account>::Options options;
  options.upcasters.AddRaw("acme.v0.Opened", "daybook_test.v1.Opened",
                           [](std::string_view bytes) -> absl::StatusOr<std::string> {
                             pb::Opened opened;
                             opened.set_owner(std::string(bytes));
                             return opened.SerializeAsString();
                           });
  Reopen(Options(), options);
  ASSERT_TRUE(Do("1", Deposit(1)).ok());
  EXPECT_EQ(accounts_->Load("1")->state.owner(), "Ada");
}

TEST_F(ExecutorTest, StoppingFinishesWhatWaitsAndRefusesTheRest) {
  gate_.Close();
  for (int i = 0; i < 100; ++i) Send("waiting", std::to_string(i), Open());
  gate_.Open();
  partition_->Stop(absl::InfiniteDuration());
  EXPECT_EQ(answers_.size(), 100u);
  for (const auto& answer : answers_.Wait(100)) EXPECT_TRUE(answer.second.ok());
  const Outcome late = Do("1", Deposit(1));
  EXPECT_EQ(late.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(late.status()), "STOPPING");
  EXPECT_EQ(ReasonOf(partition_->health()), "STOPPING");
  partition_->Stop(absl::ZeroDuration());
}

TEST_F(ExecutorTest, WhatIsNotDecidedWhenTheGraceIsOverIsRefused) {
  PartitionOptions options = Options();
  options.batch_commands_max = 1;
  Reopen(options);
  gate_.Close();
  for (int i = 0; i < 300; ++i) Send("waiting", std::to_string(i), Open());
  ASSERT_TRUE(gate_.WaitForArrivals(1));
  std::jthread opener([&] {
    while (partition_->health().ok()) std::this_thread::yield();
    gate_.Open();
  });
  partition_->Stop(absl::ZeroDuration());
  const auto answers = answers_.Wait(300);
  int refused = 0;
  for (const auto& answer : answers) {
    if (answer.second.ok()) continue;
    EXPECT_EQ(ReasonOf(answer.second.status()), "STOPPING");
    ++refused;
  }
  EXPECT_GT(refused, 0);
  EXPECT_EQ(store_->DurableWatermark(), Position(static_cast<std::uint64_t>(300 - refused)));
}

TEST_F(ExecutorTest, AHandlerThatThrowsHurtsNobodyElse) {
  accounts_->Execute("1", Open(), {}, [](Outcome) { throw std::runtime_error("handler"); });
  ASSERT_TRUE(Do("1", Deposit(1)).ok());
}

TEST_F(ExecutorTest, AHandlerMayExecuteTheNextCommand) {
  accounts_->Execute("1", Open(), {}, [this](Outcome) { Send("next", "1", Deposit(1)); });
  EXPECT_TRUE(answers_.Wait(1)[0].second.ok());
}

TEST_F(ExecutorTest, TheCacheKeepsItsLimit) {
  PartitionOptions options = Options();
  options.state_cache_bytes_max = 20'000;
  Reopen(options);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i) {
      const std::string key = std::to_string(i);
      ASSERT_TRUE((round == 0 ? Do(key, Open()) : Do(key, Deposit(1))).ok());
    }
  }
  EXPECT_LT(partition_->stats().cache_bytes, 22'000u);
  EXPECT_GT(partition_->stats().states_loaded, 500u);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(Balance(std::to_string(i)), 2);
}

TEST_F(ExecutorTest, TheFiguresAddUp) {
  ASSERT_TRUE(Do("1", Open(), {.id = IdOf(1)}).ok());
  ASSERT_TRUE(Do("1", Open(), {.id = IdOf(1)}).ok());
  ASSERT_TRUE(Do("1", Open(), {.id = IdOf(2)}).ok());
  ASSERT_TRUE(Do("1", Deposit(1, "", 4)).ok());
  ASSERT_TRUE(Do("1", Withdraw(100)).ok());
  ASSERT_FALSE(Do("1", Deposit(1, "throw in decide")).ok());
  const PartitionStats stats = partition_->stats();
  EXPECT_EQ(stats.commands_committed, 2u);
  EXPECT_EQ(stats.commands_duplicate, 1u);
  EXPECT_EQ(stats.commands_unchanged, 1u);
  EXPECT_EQ(stats.commands_rejected, 1u);
  EXPECT_EQ(stats.commands_failed, 1u);
  EXPECT_EQ(stats.events, 5u);
  EXPECT_EQ(stats.batches, 4u);
  EXPECT_EQ(stats.durable, Position(5));
  EXPECT_EQ(stats.queue_commands, 0u);
}

class ExecutorDeathTest : public RuntimeTest {};

TEST_F(ExecutorDeathTest, TwoTypesBehindOneCategoryDoNotStart) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  struct Other : Account {};
  EXPECT_DEATH(Executor<Other>{*partition_}, "one category, one aggregate type");
}

}  // namespace
}  // namespace daybook::runtime
