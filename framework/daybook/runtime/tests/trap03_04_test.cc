// Trap 3, visible but not durable; trap 4, a failed sync that is swallowed. (What the disk does under the store is
// shown with a fault-injecting file system in store/tests.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/runtime/tests/harness.h"
#include "daybook/testing/seeded_bug.h"

namespace daybook::runtime {
namespace {

using ::testing::HasSubstr;
using Failure = GatedCommitPoint::Failure;

class CommitFailureTest : public RuntimeTest {
 protected:
  static constexpr int kWaiters = 200;

  // Sends one command to each of the streams `from` … `from + kWaiters - 1`, with ids of the same numbers.
  void SendMany(int from) {
    for (int i = from; i < from + kWaiters; ++i) {
      Send(std::to_string(i), std::to_string(i), Open(), {.id = IdOf(static_cast<std::uint64_t>(i))});
    }
  }

  // "" if every acknowledged command of `answers` is in the log exactly once.
  std::string FindLostAcks(const std::vector<std::pair<std::string, Outcome>>& answers) {
    std::multiset<CommandId> logged;
    for (const LoggedEvent& event : ReadLog(*store_)) logged.insert(event.metadata.command_id);
    for (const auto& [name, outcome] : answers) {
      if (!outcome.ok() || outcome->result != Result::kCommitted) continue;
      if (logged.count(outcome->id) != 1) {
        return absl::StrCat("command ", name, " was acknowledged and is in the log ", logged.count(outcome->id),
                            " times");
      }
    }
    return "";
  }

  // The disk dies while many commands wait: "" if nothing that was acknowledged is lost.
  std::string CrashUnderLoad(Failure failure) {
    SendMany(1);
    answers_.Wait(kWaiters);
    gate_.Close();
    SendMany(1000);
    // With the answer before the sync, that may still be the commit of the commands above.
    EXPECT_TRUE(gate_.WaitUntilOneIsHeld());
    gate_.Fail(failure);
    gate_.Open();
    const auto answers = answers_.Wait(2 * kWaiters);
    return FindLostAcks(answers);
  }
};

class Trap03VisibleNotDurable : public CommitFailureTest {};

TEST_F(Trap03VisibleNotDurable, NothingIsAnsweredOrVisibleBeforeItsCommitReturns) {
  gate_.Close();
  SendMany(1);
  ASSERT_TRUE(gate_.WaitForArrivals(1));
  // The commit hangs: whatever else the threads do now, there is no answer, and no reader sees anything.
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  EXPECT_EQ(answers_.size(), 0u);
  EXPECT_EQ(store_->DurableWatermark(), Position());
  EXPECT_EQ(accounts_->FindOutcome(IdOf(1)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(accounts_->Load("1")->revision, Revision());
  gate_.Open();
  answers_.Wait(kWaiters);
}

// Rejections, duplicates and mismatches tell of states that are staged: they wait as well.
TEST_F(Trap03VisibleNotDurable, AnErrorWaitsForWhatItHasSeen) {
  gate_.Close();
  Send("open", "1", Open(), {.id = IdOf(1)});
  ASSERT_TRUE(gate_.WaitForArrivals(1));
  Send("duplicate", "1", Open(), {.id = IdOf(1)});
  Send("unchanged", "1", Open());
  Send("mismatch", "1", Open(), {.expected = store::ExpectedRevision::NoStream()});
  Send("rejected", "1", Withdraw(7));
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  EXPECT_EQ(answers_.size(), 0u);
  gate_.Open();
  const auto answers = answers_.Wait(5);
  EXPECT_TRUE(answers[1].second->duplicate);
  EXPECT_EQ(answers[2].second->result, Result::kUnchanged);
  EXPECT_EQ(answers[3].second.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(answers[4].second->result, Result::kRejected);
}

TEST_F(Trap03VisibleNotDurable, NothingAcknowledgedVanishesWhenTheDiskDies) {
  EXPECT_EQ(CrashUnderLoad(Failure::kBeforeWriting), "");
}

TEST_F(Trap03VisibleNotDurable, GoesRedWhenAnswersComeBeforeTheSync) {
  const testing::SeededBug bug("ack_before_sync");
  EXPECT_THAT(CrashUnderLoad(Failure::kBeforeWriting), HasSubstr("was acknowledged and is in the log 0 times"));
}

class Trap04SwallowedSync : public CommitFailureTest {};

TEST_F(Trap04SwallowedSync, EveryWaiterIsAnsweredWithAnError) {
  for (const Failure failure : {Failure::kBeforeWriting, Failure::kAfterWriting}) {
    gate_.Fail(Failure::kNone);
    Reopen();
    const std::size_t before = answers_.size();
    const int from = failure == Failure::kBeforeWriting ? 1 : 5000;
    gate_.Fail(failure);
    SendMany(from);
    const auto answers = answers_.Wait(before + kWaiters);
    for (std::size_t i = before; i < answers.size(); ++i) {
      EXPECT_EQ(answers[i].second.status().code(), absl::StatusCode::kUnavailable);
      EXPECT_EQ(ReasonOf(answers[i].second.status()), "PARTITION_POISONED");
      EXPECT_THAT(std::string(answers[i].second.status().message()), HasSubstr("EIO"));
    }
  }
}

TEST_F(Trap04SwallowedSync, LaterWritesAreRefusedUntilItIsOpenedAgain) {
  ASSERT_TRUE(Do("1", Open()).ok());
  gate_.Fail(Failure::kBeforeWriting);
  EXPECT_EQ(ReasonOf(Do("1", Deposit(5)).status()), "PARTITION_POISONED");
  gate_.Fail(Failure::kNone);  // the disk works again, but what it holds is not known
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ReasonOf(Do("1", Deposit(5)).status()), "PARTITION_POISONED");
    EXPECT_EQ(ReasonOf(Do("2", Open()).status()), "PARTITION_POISONED");
  }
  EXPECT_EQ(ReasonOf(partition_->health()), "PARTITION_POISONED");
  Reopen();
  EXPECT_TRUE(partition_->health().ok());
  ASSERT_TRUE(Do("1", Deposit(5)).ok());
  EXPECT_EQ(Balance("1"), 5);
}

TEST_F(Trap04SwallowedSync, ReopeningRecoversTheAcknowledgedPrefix) {
  EXPECT_EQ(CrashUnderLoad(Failure::kAfterWriting), "");
  gate_.Fail(Failure::kNone);
  Reopen();
  // Each command again, as its sender would: done once, whether or not the first attempt reached the disk.
  const std::size_t before = answers_.size();
  SendMany(1);
  SendMany(1000);
  const auto answers = answers_.Wait(before + 2 * kWaiters);
  for (std::size_t i = before; i < answers.size(); ++i) ASSERT_TRUE(answers[i].second.ok());
  EXPECT_EQ(FindLostAcks(answers), "");
  EXPECT_EQ(store_->DurableWatermark(), Position(2 * kWaiters));
}

TEST_F(Trap04SwallowedSync, GoesRedWhenAFailedSyncIsSwallowed) {
  const testing::SeededBug bug("sync_failure_swallowed");
  EXPECT_THAT(CrashUnderLoad(Failure::kBeforeWriting), HasSubstr("was acknowledged and is in the log 0 times"));
}

}  // namespace
}  // namespace daybook::runtime
