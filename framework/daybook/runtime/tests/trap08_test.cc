// Trap 8, the dedup window: a command id is done once, whatever happens around it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/runtime/tests/harness.h"
#include "daybook/testing/seeded_bug.h"

namespace daybook::runtime {
namespace {

using ::testing::HasSubstr;
using Failure = GatedCommitPoint::Failure;

// An id that says nothing of its time.
CommandId RandomId(std::uint8_t last) {
  std::array<std::uint8_t, 16> bytes = {1, 2, 3, 4, 5, 6, 0x40, 8, 0x80, 10};
  bytes[15] = last;
  return CommandId(Uuid(bytes));
}

class Trap08DedupWindow : public RuntimeTest {
 protected:
  void SetUp() override {
    RuntimeTest::SetUp();
    ASSERT_TRUE(Do("1", Open()).ok());
  }

  // "" if `again` is what `first` was, as a duplicate, and the account holds `balance`.
  std::string Differences(const Outcome& first, const Outcome& again, std::int64_t balance) {
    if (!first.ok()) return absl::StrCat("the first failed: ", first.status().ToString());
    if (!again.ok()) return absl::StrCat("the second failed: ", again.status().ToString());
    if (first->duplicate) return "the first is marked as a duplicate";
    if (!again->duplicate) return "the second is not marked as a duplicate";
    if (again->id != first->id || again->stream != first->stream || again->result != first->result ||
        again->revision != first->revision || again->position != first->position ||
        again->event_count != first->event_count || again->rejection != first->rejection) {
      return "the second outcome differs from the first";
    }
    if (Balance("1") != balance) return absl::StrCat("the balance is ", Balance("1"));
    return "";
  }

  // Two commands of one id gather in the mailbox behind a commit that hangs.
  std::string DuplicateInOneBatch() {
    gate_.Close();
    Send("blocks", "0", Open());
    EXPECT_TRUE(gate_.WaitForArrivals(2));
    Send("first", "1", Deposit(5), {.id = IdOf(7)});
    Send("second", "1", Deposit(5), {.id = IdOf(7)});
    gate_.Open();
    const auto answers = answers_.Wait(3);
    return Differences(answers[1].second, answers[2].second, 5);
  }

  // The first one is written and the process dies before it answers; the sender tries again after the restart.
  std::string AcrossACrashBeforeTheAck() {
    gate_.Fail(Failure::kAfterWriting);
    const Outcome lost = Do("1", Deposit(5), {.id = IdOf(7)});
    EXPECT_EQ(ReasonOf(lost.status()), "PARTITION_POISONED");
    gate_.Fail(Failure::kNone);
    Reopen();
    const Outcome again = Do("1", Deposit(5), {.id = IdOf(7)});
    if (!again.ok()) return again.status().ToString();
    if (!again->duplicate || again->revision != Revision(2)) return "it was done a second time";
    return Balance("1") == 5 ? "" : "the balance is wrong";
  }

  // The id of a stored deposit with another amount, another type of command, and another stream; then the same while
  // the first is staged.
  std::string WithAnotherPayload() {
    EXPECT_TRUE(Do("1", Deposit(5), {.id = IdOf(7)}).ok());
    EXPECT_TRUE(Do("2", Open()).ok());
    std::vector<Outcome> reused;
    reused.push_back(Do("1", Deposit(6), {.id = IdOf(7)}));
    reused.push_back(Do("1", Withdraw(5), {.id = IdOf(7)}));
    reused.push_back(Do("2", Deposit(5), {.id = IdOf(7)}));
    gate_.Close();
    Send("blocks", "0", Open());
    EXPECT_TRUE(gate_.WaitForArrivals(4));
    Send("first", "1", Deposit(1), {.id = IdOf(8)});
    Send("second", "1", Deposit(2), {.id = IdOf(8)});
    gate_.Open();
    reused.push_back(answers_.Wait(3)[2].second);
    for (const Outcome& outcome : reused) {
      if (ReasonOf(outcome.status()) != "COMMAND_ID_REUSED") return outcome.status().ToString();
      if (outcome.status().code() != absl::StatusCode::kAlreadyExists) return "another code";
    }
    return Balance("1") == 6 ? "" : "the balance is wrong";
  }

  // An old id that carries its time, and whose outcome is gone: doing it again could be doing it twice.
  std::string ExpiredVersion7Id() {
    EXPECT_TRUE(Do("1", Deposit(5), {.id = IdOf(7)}).ok());
    clock_.Advance(absl::Hours(168) + absl::Seconds(1));
    const Outcome again = Do("1", Deposit(5), {.id = IdOf(7)});
    if (ReasonOf(again.status()) != "COMMAND_ID_EXPIRED") return again.status().ToString();
    return Balance("1") == 5 ? "" : "it was done a second time";
  }
};

TEST_F(Trap08DedupWindow, DuplicateInOneBatchGetsTheStoredOutcome) { EXPECT_EQ(DuplicateInOneBatch(), ""); }

TEST_F(Trap08DedupWindow, GoesRedWhenStagedOutcomesAreNotLookedUp) {
  const testing::SeededBug bug("dedup_unchecked_in_batch");
  EXPECT_THAT(DuplicateInOneBatch(), HasSubstr("not marked as a duplicate"));
}

TEST_F(Trap08DedupWindow, DuplicateAcrossACrashBeforeTheAckGetsTheStoredOutcome) {
  EXPECT_EQ(AcrossACrashBeforeTheAck(), "");
}

TEST_F(Trap08DedupWindow, GoesRedWhenStoredOutcomesAreNotLookedUp) {
  const testing::SeededBug bug("dedup_unchecked_in_store");
  EXPECT_THAT(AcrossACrashBeforeTheAck(), HasSubstr("done a second time"));
}

TEST_F(Trap08DedupWindow, TheSameIdWithAnotherPayloadIsRefused) { EXPECT_EQ(WithAnotherPayload(), ""); }

TEST_F(Trap08DedupWindow, GoesRedWhenPayloadsAreNotCompared) {
  const testing::SeededBug bug("fingerprint_unchecked");
  EXPECT_NE(WithAnotherPayload(), "");
}

TEST_F(Trap08DedupWindow, AnExpiredVersion7IdIsRefused) { EXPECT_EQ(ExpiredVersion7Id(), ""); }

TEST_F(Trap08DedupWindow, GoesRedWhenExpiredIdsAreAccepted) {
  const testing::SeededBug bug("expired_ids_accepted");
  EXPECT_NE(ExpiredVersion7Id(), "");
}

TEST_F(Trap08DedupWindow, DuplicateOfAStoredCommandGetsItsOutcome) {
  const Outcome first = Do("1", Deposit(5), {.id = IdOf(7)});
  ASSERT_TRUE(Do("1", Deposit(1)).ok());
  EXPECT_EQ(Differences(first, Do("1", Deposit(5), {.id = IdOf(7)}), 6), "");
  Reopen();
  EXPECT_EQ(Differences(first, Do("1", Deposit(5), {.id = IdOf(7)}), 6), "");
}

// It waits for the first one's durability: an answer before could be about something that is lost.
TEST_F(Trap08DedupWindow, DuplicateOfACommandInTheCommitWaitsForIt) {
  gate_.Close();
  Send("first", "1", Deposit(5), {.id = IdOf(7)});
  ASSERT_TRUE(gate_.WaitForArrivals(2));
  Send("second", "1", Deposit(5), {.id = IdOf(7)});
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  EXPECT_EQ(answers_.size(), 0u);
  gate_.Open();
  const auto answers = answers_.Wait(2);
  EXPECT_EQ(Differences(answers[0].second, answers[1].second, 5), "");
}

TEST_F(Trap08DedupWindow, DuplicateOfACommandThatFailedToCommitFailsToo) {
  gate_.Close();
  Send("first", "1", Deposit(5), {.id = IdOf(7)});
  ASSERT_TRUE(gate_.WaitForArrivals(2));
  Send("second", "1", Deposit(5), {.id = IdOf(7)});
  gate_.Fail(Failure::kBeforeWriting);
  gate_.Open();
  for (const auto& answer : answers_.Wait(2)) EXPECT_EQ(ReasonOf(answer.second.status()), "PARTITION_POISONED");
}

TEST_F(Trap08DedupWindow, AfterTheRetentionAnIdWithoutTimeCountsAsNew) {
  const Outcome first = Do("1", Deposit(5), {.id = RandomId(1)});
  ASSERT_TRUE(first.ok());
  clock_.Advance(absl::Hours(168));
  EXPECT_TRUE(Do("1", Deposit(5), {.id = RandomId(1)})->duplicate) << "the last moment of the retention";
  clock_.Advance(absl::Seconds(1));
  const Outcome again = Do("1", Deposit(5), {.id = RandomId(1)});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->duplicate);
  EXPECT_EQ(Balance("1"), 10);
}

// A version 7 id may be old and its outcome young: the outcome counts.
TEST_F(Trap08DedupWindow, AnOldVersion7IdWithAStoredOutcomeIsADuplicate) {
  const CommandId id = IdOf(7, kStart);
  clock_.Advance(absl::Hours(100));
  const Outcome first = Do("1", Deposit(5), {.id = id});
  ASSERT_TRUE(first.ok()) << first.status();
  clock_.Advance(absl::Hours(100));
  EXPECT_EQ(Differences(first, Do("1", Deposit(5), {.id = id}), 5), "");
}

TEST_F(Trap08DedupWindow, AFingerprintOfTheCallerStandsForTheContent) {
  CommandOptions options;
  options.id = IdOf(7);
  options.fingerprint = "sha256 of what the client sent";
  ASSERT_TRUE(Do("1", Deposit(5), options).ok());
  const Outcome same = Do("1", Deposit(6), options);  // decided by the caller: it is the same
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_TRUE(same->duplicate);
  options.fingerprint = "of something else";
  EXPECT_EQ(ReasonOf(Do("1", Deposit(5), options).status()), "COMMAND_ID_REUSED");
}

}  // namespace
}  // namespace daybook::runtime
