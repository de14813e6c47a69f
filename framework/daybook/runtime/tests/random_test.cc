// Random commands, restarts and failing commits against a simple model.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/runtime/tests/harness.h"

namespace daybook::runtime {
namespace {

using Failure = GatedCommitPoint::Failure;

// A command as its sender knows it: it is sent until it is answered.
struct Sent {
  CommandId id;
  std::string key;
  Account::Command command;
  std::optional<CommandOutcome> outcome;  // the first answer that was no error
};

class RandomRuntimeTest : public RuntimeTest {
 protected:
  void Run(std::uint64_t seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    random_.seed(seed);
    for (int round = 0; round < 60 && !HasFailure(); ++round) {
      if (random_() % 4 == 0) Restart();
      const std::uint64_t dice = random_() % 8;
      gate_.Fail(dice == 0 ? Failure::kBeforeWriting : dice == 1 ? Failure::kAfterWriting : Failure::kNone);
      SendSome();
    }
    gate_.Fail(Failure::kNone);
    Restart();
    for (Sent& sent : sent_) SendAgain(sent);
    CheckAgainstTheLog();
  }

  void Restart() {
    PartitionOptions options = Options();
    options.batch_commands_max = 1 + random_() % 100;
    options.state_cache_bytes_max = random_() % 2 == 0 ? 5'000 : 1'000'000;
    Executor<Account>::Options accounts;
    accounts.snapshots = SnapshotPolicy::EveryEvents(1 + random_() % 9).NotMoreOftenThan(absl::ZeroDuration());
    Reopen(options, std::move(accounts));
    clock_.Advance(absl::Seconds(random_() % 10));
  }

  Account::Command RandomCommand() {
    switch (random_() % 6) {
      case 0:
        return Open();
      case 1:
        return Withdraw(static_cast<std::int64_t>(random_() % 300));
      case 2:
        return Deposit(1, random_() % 2 == 0 ? "throw in evolve" : "throw in decide",
                       static_cast<std::uint32_t>(1 + random_() % 3));
      default:
        return Deposit(static_cast<std::int64_t>(random_() % 100), absl::StrCat("n", random_() % 4),
                       static_cast<std::uint32_t>(1 + random_() % 4));
    }
  }

  // New commands, old ones again, and the same one twice, all at once.
  void SendSome() {
    std::vector<std::size_t> burst;
    for (std::uint64_t n = 1 + random_() % 150; n > 0; --n) {
      if (!sent_.empty() && random_() % 5 == 0) {
        burst.push_back(random_() % sent_.size());
      } else {
        sent_.push_back({IdOf(sent_.size() + 1), std::to_string(random_() % 12), RandomCommand(), std::nullopt});
        burst.push_back(sent_.size() - 1);
        if (random_() % 10 == 0) burst.push_back(sent_.size() - 1);
      }
    }
    Answers answers;
    for (const std::size_t i : burst) {
      accounts_->Execute(sent_[i].key, sent_[i].command, {.id = sent_[i].id}, answers.Named(std::to_string(i)));
    }
    for (const auto& [name, outcome] : answers.Wait(burst.size())) {
      std::size_t index = 0;
      ASSERT_TRUE(absl::SimpleAtoi(name, &index));
      Note(sent_[index], outcome);
    }
    if (!partition_->health().ok()) {
      gate_.Fail(Failure::kNone);
      Restart();
    }
  }

  void SendAgain(Sent& sent) { Note(sent, Do(sent.key, sent.command, {.id = sent.id})); }

  void Note(Sent& sent, const Outcome& outcome) {
    if (!outcome.ok()) {
      const std::string reason = ReasonOf(outcome.status());
      EXPECT_TRUE(outcome.status().code() == absl::StatusCode::kInternal || reason == "PARTITION_POISONED")
          << outcome.status();
      return;
    }
    if (!sent.outcome.has_value()) {
      sent.outcome = *outcome;
      return;
    }
    // A sender may hear a duplicate first (another of its own attempts was lost on the way); the content never differs.
    EXPECT_EQ(outcome->result, sent.outcome->result) << outcome->id.ToString();
    EXPECT_EQ(outcome->position, sent.outcome->position);
    EXPECT_EQ(outcome->revision, sent.outcome->revision);
    EXPECT_EQ(outcome->event_count, sent.outcome->event_count);
    EXPECT_EQ(outcome->rejection, sent.outcome->rejection);
    EXPECT_TRUE(outcome->duplicate || sent.outcome->duplicate);
  }

  void CheckAgainstTheLog() {
    const std::vector<LoggedEvent> log = ReadLog(*store_);
    std::map<CommandId, std::vector<const LoggedEvent*>> by_command;
    std::map<std::string, std::uint64_t> revisions;
    for (std::size_t i = 0; i < log.size(); ++i) {
      ASSERT_EQ(log[i].position, Position(i + 1));
      ASSERT_EQ(log[i].revision, Revision(++revisions[log[i].stream]));
      std::vector<const LoggedEvent*>& events = by_command[log[i].metadata.command_id];
      ASSERT_EQ(log[i].metadata.event_index, events.size()) << "a command was done twice";
      events.push_back(&log[i]);
    }
    std::size_t committed = 0;
    std::map<std::string, std::int64_t> balances;
    for (const Sent& sent : sent_) {
      if (!sent.outcome.has_value() || sent.outcome->result != Result::kCommitted) {
        EXPECT_EQ(by_command.count(sent.id), 0u) << "events of a command that did not commit";
        continue;
      }
      ++committed;
      const std::vector<const LoggedEvent*>& events = by_command[sent.id];
      ASSERT_EQ(events.size(), sent.outcome->event_count);
      EXPECT_EQ(events.back()->position, sent.outcome->position);
      EXPECT_EQ(events.back()->revision, sent.outcome->revision);
      EXPECT_EQ(events.back()->stream, sent.outcome->stream.text());
      const auto count = static_cast<std::int64_t>(events.size());
      if (const auto* deposit = std::get_if<pb::Deposit>(&sent.command))
        balances[sent.key] += count * deposit->amount();
      if (const auto* withdraw = std::get_if<pb::Withdraw>(&sent.command)) balances[sent.key] -= withdraw->amount();
    }
    EXPECT_EQ(by_command.size(), committed);
    for (const auto& [key, balance] : balances) {
      EXPECT_EQ(Balance(key), balance) << key;
      EXPECT_GE(balance, 0) << key;
    }
  }

  std::mt19937_64 random_;
  std::vector<Sent> sent_;
};

TEST_F(RandomRuntimeTest, EveryCommandIsDoneOnceThroughRestartsAndFailures) {
  const std::uint64_t seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  Run(seed);
}

TEST_F(RandomRuntimeTest, EveryCommandIsDoneOnceWithAFixedSeed) { Run(20260101); }

}  // namespace
}  // namespace daybook::runtime
