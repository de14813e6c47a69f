#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "daybook/base/reason.h"
#include "daybook/runtime/executor.h"
#include "daybook/runtime/tests/harness.h"

namespace daybook::runtime {
namespace {

class GuardTest : public RuntimeTest {
 protected:
  using Guard = Executor<Account>::Guard;

  Outcome DoGuarded(std::string_view key, Account::Command command, CommandOptions options, Guard guard) {
    absl::Notification answered;
    Outcome outcome = absl::InternalError("not answered");
    accounts_->ExecuteGuarded(key, std::move(command), std::move(options), std::move(guard), [&](Outcome answer) {
      outcome = std::move(answer);
      answered.Notify();
    });
    answered.WaitForNotification();
    return outcome;
  }

  // Admits who owns the account.
  static Guard OwnedBy(std::string owner) {
    return [owner = std::move(owner)](const pb::AccountState& state) {
      return state.owner() == owner ? absl::OkStatus() : absl::PermissionDeniedError("not yours");
    };
  }
};

TEST_F(GuardTest, WhatTheGuardRefusesWritesNothingAndLeavesTheIdFree) {
  ASSERT_TRUE(Do("1", Open("ada")).ok());
  const Outcome refused = DoGuarded("1", Deposit(5), {.id = IdOf(1)}, OwnedBy("eve"));
  EXPECT_EQ(refused.status(), absl::PermissionDeniedError("not yours"));
  EXPECT_EQ(ReadLog(*store_).size(), 1u);
  EXPECT_EQ(accounts_->FindOutcome(IdOf(1)).status().code(), absl::StatusCode::kNotFound);
  const Outcome admitted = DoGuarded("1", Deposit(5), {.id = IdOf(1)}, OwnedBy("ada"));
  ASSERT_TRUE(admitted.ok()) << admitted.status();
  EXPECT_FALSE(admitted->duplicate);
  EXPECT_EQ(Balance("1"), 5);
}

TEST_F(GuardTest, AnEarlierOutcomeIsNotForWhomTheGuardRefuses) {
  ASSERT_TRUE(Do("1", Open("ada")).ok());
  ASSERT_TRUE(Do("1", Deposit(5), {.id = IdOf(1)}).ok());
  EXPECT_EQ(DoGuarded("1", Deposit(5), {.id = IdOf(1)}, OwnedBy("eve")).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(DoGuarded("1", Deposit(6), {.id = IdOf(1)}, OwnedBy("eve")).status().code(),
            absl::StatusCode::kPermissionDenied)
      << "nor that the id was used";
  const Outcome again = DoGuarded("1", Deposit(5), {.id = IdOf(1)}, OwnedBy("ada"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->duplicate);
}

TEST_F(GuardTest, TheGuardIsAskedBeforeTheExpectedRevision) {
  ASSERT_TRUE(Do("1", Open("ada")).ok());
  CommandOptions stale;
  stale.expected = store::ExpectedRevision::Exactly(Revision(9));
  EXPECT_EQ(DoGuarded("1", Deposit(5), stale, OwnedBy("eve")).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(DoGuarded("1", Deposit(5), stale, OwnedBy("ada")).status().code(), absl::StatusCode::kAborted);
}

// A check before the queue would see the state of then; the guard sees what commands before this one have staged.
TEST_F(GuardTest, TheGuardSeesWhatEarlierCommandsOfItsBatchHaveStaged) {
  gate_.Close();
  Send("first", "0", Open("ada"));
  ASSERT_TRUE(gate_.WaitForArrivals(1));
  Send("opened", "1", Open("ada"));
  accounts_->ExecuteGuarded("1", Deposit(5), {}, OwnedBy("ada"), answers_.Named("deposited"));
  gate_.Open();
  for (const auto& [name, outcome] : answers_.Wait(3)) EXPECT_TRUE(outcome.ok()) << name << ": " << outcome.status();
  EXPECT_EQ(Balance("1"), 5);
}

TEST_F(GuardTest, AGuardThatThrowsFailsItsCommandOnly) {
  ASSERT_TRUE(Do("1", Open("ada")).ok());
  const Outcome thrown = DoGuarded(
      "1", Deposit(5), {}, [](const pb::AccountState&) -> absl::Status { throw std::runtime_error("no opinion"); });
  EXPECT_EQ(thrown.status().code(), absl::StatusCode::kInternal);
  ASSERT_TRUE(Do("1", Deposit(7)).ok());
  EXPECT_EQ(Balance("1"), 7);
}

}  // namespace
}  // namespace daybook::runtime
