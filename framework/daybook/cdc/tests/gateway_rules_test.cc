#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "daybook/cdc/record_file.h"
#include "daybook/cdc/tests/gateway_fixture.h"

namespace daybook::cdc {
namespace {

using test::ChangeMaker;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class GatewayRulesTest : public test::GatewayFixture {
 protected:
  std::vector<std::string> DeadLetters() const {
    std::ifstream in(options_.dead_letter_directory + "/gateway.ndjson");
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
};

TEST_F(GatewayRulesTest, R1ARecordAtOrBelowTheStoredOffsetIsSkippedFirst) {
  const Record first = make_.Owner(1, "Ann", 10);
  EXPECT_THAT(Sent({first}), ElementsAre("owner/1 Ann [] {}"));
  Record again = make_.Owner(1, "Bob", 20);
  again.offset = first.offset;
  EXPECT_THAT(Sent({again}), IsEmpty());
  EXPECT_EQ(counters().skipped_by_offset, 1u);
}

TEST_F(GatewayRulesTest, R1AChangeAppliesOnlyIfItsLsnIsAboveTheRows) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 10)}), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_THAT(Sent({make_.Owner(1, "Old", 9, "", 'u'), make_.Owner(1, "Same", 10, "", 'u')}), IsEmpty());
  EXPECT_EQ(counters().skipped_by_lsn, 2u);
  EXPECT_THAT(Sent({make_.Owner(1, "New", 11, "", 'u')}), ElementsAre("owner/1 New [] {}"));
}

TEST_F(GatewayRulesTest, R1ASnapshotReadAlwaysAppliesAndNeverChangesTheLsn) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 100, "", 'u')}), ElementsAre("owner/1 Ann [] {}"));
  // Read at a position before the change, and written down after it: still applied, in the partition's order.
  EXPECT_THAT(Sent({make_.Owner(1, "Read", 50, "", 'r')}), ElementsAre("owner/1 Read [] {}"));
  EXPECT_THAT(Sent({make_.Owner(1, "Late", 99, "", 'u')}), IsEmpty());
  EXPECT_THAT(Sent({make_.Owner(1, "High", 500, "", 'r')}), ElementsAre("owner/1 High [] {}"));
  // Written before the snapshot's position, committed after it.
  EXPECT_THAT(Sent({make_.Owner(1, "Next", 101, "", 'u')}), ElementsAre("owner/1 Next [] {}"));
}

TEST_F(GatewayRulesTest, R1AnIncrementalReadWithoutLsnApplies) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 100)}), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_THAT(Sent({make_.Make({.table = "owner",
                                .operation = 'r',
                                .key = "{\"id\":1}",
                                .after = "{\"id\":1,\"name\":\"Inc\"}",
                                .lsn = std::nullopt,
                                .snapshot = "incremental"})}),
              ElementsAre("owner/1 Inc [] {}"));
}

TEST_F(GatewayRulesTest, R2ADeletesParentComesFromTheStoredImageNotFromBefore) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), make_.Note(7, 1, "hello", 2)}), ElementsAre("owner/1 Ann [hello,] {}"));
  EXPECT_THAT(Sent({make_.Delete("note", 7, 3)}), ElementsAre("owner/1 Ann [] {}"));
}

TEST_F(GatewayRulesTest, R2ReparentingTouchesBothParents) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), make_.Owner(2, "Bob", 2), make_.Note(7, 1, "hello", 3)}),
              UnorderedElementsAre("owner/1 Ann [hello,] {}", "owner/2 Bob [] {}"));
  EXPECT_THAT(Sent({make_.Note(7, 2, "hello", 4, "", 'u')}),
              UnorderedElementsAre("owner/1 Ann [] {}", "owner/2 Bob [hello,] {}"));
}

TEST_F(GatewayRulesTest, R3AChildBeforeItsParentIsParkedAndCounted) {
  EXPECT_THAT(Sent({make_.Note(7, 1, "hello", 1)}), IsEmpty());
  EXPECT_EQ(counters().parked, 1u);
  clock_.Advance(absl::Seconds(5));
  EXPECT_THAT(Quiet(), IsEmpty());
  EXPECT_GE(counters().oldest_parked, absl::Seconds(5));
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 2)}), ElementsAre("owner/1 Ann [hello,] {}"));
  EXPECT_EQ(counters().parked, 0u);
}

TEST_F(GatewayRulesTest, R3AnAggregateWaitsForEveryRowItRefersTo) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), make_.Car(5, 1, 9, 2)}), IsEmpty());
  EXPECT_EQ(counters().parked, 1u);
  EXPECT_THAT(Sent({make_.MakeRow(9, "Fiat", 3)}), UnorderedElementsAre("make/9 Fiat", "owner/1 Ann [] {Fiat,}"));
  EXPECT_EQ(counters().parked, 0u);
}

TEST_F(GatewayRulesTest, R3ARowThatIsNotOursHoldsNothingUp) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), make_.Car(5, 1, 9, 2, "", 'c', false)}),
              ElementsAre("owner/1 Ann [] {}"));
}

TEST_F(GatewayRulesTest, R3WhatIsParkedForTooLongBecomesADeadLetterAndStaysParked) {
  options_.parked_ttl = absl::Minutes(1);
  EXPECT_THAT(Sent({make_.Note(7, 1, "hello", 1)}), IsEmpty());
  clock_.Advance(absl::Minutes(2));
  EXPECT_THAT(Quiet(), IsEmpty());
  EXPECT_EQ(counters().dead_letters, 1u);
  EXPECT_EQ(counters().parked, 1u);
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 2)}), ElementsAre("owner/1 Ann [hello,] {}"));
}

TEST_F(GatewayRulesTest, R3AParkedOrphanThatIsDeletedWaitsForNothing) {
  EXPECT_THAT(Sent({make_.Note(7, 1, "hello", 1)}), IsEmpty());
  EXPECT_THAT(Sent({make_.Delete("note", 7, 2)}), IsEmpty());
  EXPECT_EQ(counters().parked, 0u);
}

TEST_F(GatewayRulesTest, R4AnAggregateWaitsUntilItsTransactionIsComplete) {
  EXPECT_THAT(Sent({make_.Begin("70"), make_.Owner(1, "Ann", 1, "70")}), IsEmpty());
  EXPECT_THAT(Sent({make_.End("70", {{"owner", 1}, {"note", 1}})}), IsEmpty());
  EXPECT_EQ(counters().open_transactions, 1u);
  // Not the quiet period but the last record decides.
  EXPECT_EQ(Ingest({make_.Note(7, 1, "hello", 2, "70")}), absl::OkStatus());
  EXPECT_THAT(sink_.Take(), ElementsAre("owner/1 Ann [hello,] {}"));
  EXPECT_EQ(counters().open_transactions, 0u);
}

TEST_F(GatewayRulesTest, R4TheEndMayComeBeforeTheData) {
  EXPECT_THAT(Sent({make_.End("70", {{"owner", 1}, {"note", 1}})}), IsEmpty());
  EXPECT_THAT(Sent({make_.Note(7, 1, "hello", 2, "70")}), IsEmpty());
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1, "70")}), ElementsAre("owner/1 Ann [hello,] {}"));
}

TEST_F(GatewayRulesTest, R4ALaterTransactionDoesNotUncoverAnEarlierOnesHalf) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), make_.Note(7, 1, "a", 2), make_.Note(8, 1, "b", 3)}),
              ElementsAre("owner/1 Ann [a,b,] {}"));
  // 70 changes both notes, of which one has arrived; 71 is whole.
  EXPECT_THAT(Sent({make_.Note(7, 1, "a70", 4, "70", 'u'), make_.Owner(1, "Ann71", 6, "71", 'u'),
                    make_.End("71", {{"owner", 1}})}),
              IsEmpty());
  EXPECT_THAT(Sent({make_.End("70", {{"note", 2}}), make_.Note(8, 1, "b70", 5, "70", 'u', 2)}),
              ElementsAre("owner/1 Ann71 [a70,b70,] {}"));
}

TEST_F(GatewayRulesTest, R4ASharedRowOfAnOpenTransactionIsNotShownToOthers) {
  EXPECT_THAT(Sent({make_.MakeRow(9, "Fiat", 1), make_.Owner(1, "Ann", 2), make_.Car(5, 1, 9, 3)}),
              UnorderedElementsAre("make/9 Fiat", "owner/1 Ann [] {Fiat,}"));
  EXPECT_THAT(Sent({make_.MakeRow(9, "Seat", 4, "70", 'u')}), IsEmpty());
  // Another transaction touches the owner, who would show the make's new name.
  EXPECT_THAT(Sent({make_.Owner(1, "Eve", 6, "71", 'u'), make_.End("71", {{"owner", 1}})}), IsEmpty());
  EXPECT_THAT(Sent({make_.Note(7, 1, "n", 5, "70"), make_.End("70", {{"make", 1}, {"note", 1}})}),
              UnorderedElementsAre("make/9 Seat", "owner/1 Eve [n,] {Seat,}"));
}

TEST_F(GatewayRulesTest, R4CollectionsThatAreNotCapturedDoNotCount) {
  EXPECT_EQ(
      Ingest({make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 1}, {"signal", 4}, {"Object@1234", 1}})}),
      absl::OkStatus());
  EXPECT_THAT(sink_.Take(), ElementsAre("owner/1 Ann [] {}"));
}

TEST_F(GatewayRulesTest, R4ASecondDeliveryDoesNotCompleteATransaction) {
  EXPECT_THAT(Sent({make_.End("70", {{"note", 2}}), make_.Owner(1, "Ann", 1)}), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_THAT(Sent({make_.Note(7, 1, "a", 2, "70"), make_.Note(7, 1, "a", 2, "70")}), IsEmpty());
  EXPECT_THAT(Sent({make_.Note(8, 1, "b", 3, "70", 'c', 2)}), ElementsAre("owner/1 Ann [a,b,] {}"));
}

TEST_F(GatewayRulesTest, R4BeginAndEndAgainOpenNothing) {
  EXPECT_THAT(Sent({make_.Begin("70"), make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 1}})}),
              ElementsAre("owner/1 Ann [] {}"));
  EXPECT_THAT(Sent({make_.Begin("70"), make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 1}})}), IsEmpty());
  EXPECT_EQ(counters().open_transactions, 0u);
}

TEST_F(GatewayRulesTest, R4AnIncompleteTransactionIsGivenUpAfterTheTimeoutAndCounted) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 2}})}), IsEmpty());
  clock_.Advance(options_.transaction_timeout);
  EXPECT_THAT(Quiet(), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_EQ(counters().transactions_timed_out, 1u);
  // The rest of it, late, is as any change without a transaction.
  EXPECT_THAT(Sent({make_.Owner(1, "Eve", 2, "70", 'u', 2)}), ElementsAre("owner/1 Eve [] {}"));
}

TEST_F(GatewayRulesTest, R4NoTransactionTimesOutWhileItsRestMayLieUnread) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 1}, {"note", 1}})}), IsEmpty());
  clock_.Advance(options_.transaction_timeout);
  gateway_->NoteBehind();
  EXPECT_THAT(Quiet(), IsEmpty());
  clock_.Advance(options_.transaction_timeout - absl::Seconds(1));
  EXPECT_THAT(Quiet(), IsEmpty());
  EXPECT_THAT(Sent({make_.Note(7, 1, "a", 2, "70")}), ElementsAre("owner/1 Ann [a,] {}"));
  EXPECT_EQ(counters().transactions_timed_out, 0u);
}

TEST_F(GatewayRulesTest, R4AnOpenTransactionSurvivesARestart) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 1}, {"note", 2}}),
                    make_.Note(7, 1, "a", 2, "70")}),
              IsEmpty());
  Open();
  EXPECT_EQ(counters().open_transactions, 1u);
  EXPECT_THAT(Quiet(), IsEmpty());
  EXPECT_THAT(Sent({make_.Note(8, 1, "b", 3, "70", 'c', 2)}), ElementsAre("owner/1 Ann [a,b,] {}"));
}

TEST_F(GatewayRulesTest, R4WithoutMetadataChangesAreGatheredUntilItIsQuiet) {
  EXPECT_EQ(Ingest({make_.Owner(1, "Ann", 1)}), absl::OkStatus());
  clock_.Advance(absl::Milliseconds(40));
  EXPECT_EQ(Ingest({make_.Note(7, 1, "a", 2)}), absl::OkStatus());
  clock_.Advance(absl::Milliseconds(40));
  EXPECT_EQ(gateway_->Tick(), absl::OkStatus());
  EXPECT_THAT(sink_.Take(), IsEmpty());
  clock_.Advance(absl::Milliseconds(10));
  EXPECT_EQ(gateway_->Tick(), absl::OkStatus());
  EXPECT_THAT(sink_.Take(), ElementsAre("owner/1 Ann [a,] {}"));
}

TEST_F(GatewayRulesTest, R4WithoutMetadataNothingWaitsLongerThanTheMaximum) {
  EXPECT_EQ(Ingest({make_.Owner(1, "Ann", 1)}), absl::OkStatus());
  int changes = 1;
  while (sink_.list.empty() && changes < 100) {
    clock_.Advance(absl::Milliseconds(30));
    ++changes;
    EXPECT_EQ(Ingest({make_.Owner(1, absl::StrCat("Ann", changes), changes, "", 'u')}), absl::OkStatus());
  }
  EXPECT_GE(changes, 30);
  EXPECT_LE(changes, 37);
}

TEST_F(GatewayRulesTest, R4AFilesEndFlushesWhatIsOpen) {
  EXPECT_EQ(Ingest({make_.Owner(1, "Ann", 1, "70"), make_.Owner(2, "Bob", 2)}), absl::OkStatus());
  EXPECT_THAT(sink_.Take(), IsEmpty());
  EXPECT_EQ(gateway_->Flush(), absl::OkStatus());
  EXPECT_THAT(sink_.Take(), UnorderedElementsAre("owner/1 Ann [] {}", "owner/2 Bob [] {}"));
}

TEST_F(GatewayRulesTest, R5AnEqualStateIsNotSentAgain) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1)}), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_THAT(Sent({make_.Note(7, 1, "a", 2), make_.Delete("note", 7, 3)}), IsEmpty());
  EXPECT_EQ(counters().suppressed, 1u);
  Open();
  EXPECT_THAT(Sent({make_.Note(7, 1, "a", 4), make_.Delete("note", 7, 5)}), IsEmpty());
}

TEST_F(GatewayRulesTest, R5TwoEmissionsNeverShareAnId) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1)}), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_THAT(Sent({make_.Owner(1, "Bob", 50, "", 'r')}), ElementsAre("owner/1 Bob [] {}"));
  // Content and row versions are those of the first emission.
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 50, "", 'r')}), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_EQ(std::set<std::string>(sink_.ids.begin(), sink_.ids.end()).size(), 3u);
}

TEST_F(GatewayRulesTest, R6WhatTheSinkDidNotAcknowledgeIsPublishedAgainWithTheSameId) {
  sink_.keep_answers = true;
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1)}), ElementsAre("owner/1 Ann [] {}"));
  sink_.keep_answers = false;
  Open();
  EXPECT_THAT(Quiet(), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_EQ(sink_.ids[0], sink_.ids[1]);
  EXPECT_EQ(gateway_->Drain(absl::ZeroDuration()), absl::OkStatus());
  Open();
  EXPECT_THAT(Quiet(), IsEmpty());
}

TEST_F(GatewayRulesTest, R6CommandsOfOneStreamFollowEachOtherAndOthersDoNotWait) {
  sink_.keep_answers = true;
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1)}), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_THAT(Sent({make_.Owner(1, "Eve", 2, "", 'u'), make_.Owner(2, "Bob", 3)}), ElementsAre("owner/2 Bob [] {}"));
  sink_.answers[0](absl::OkStatus());
  EXPECT_THAT(Quiet(), ElementsAre("owner/1 Eve [] {}"));
}

TEST_F(GatewayRulesTest, R6ACommandThatIsNotTakenNowIsOfferedAgain) {
  sink_.refuse = absl::ResourceExhaustedError("full");
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1)}), IsEmpty());
  sink_.refuse = absl::OkStatus();
  EXPECT_THAT(Quiet(), ElementsAre("owner/1 Ann [] {}"));
  sink_.answer = absl::UnavailableError("later");
  EXPECT_THAT(Sent({make_.Owner(2, "Bob", 2)}), ::testing::Each("owner/2 Bob [] {}"));
  sink_.answer = absl::OkStatus();
  EXPECT_THAT(Quiet(), ElementsAre("owner/2 Bob [] {}"));
  EXPECT_EQ(counters().outbox, 0u);
}

TEST_F(GatewayRulesTest, R6ACommandThatIsRefusedForGoodIsSetAside) {
  sink_.answer = absl::InvalidArgumentError("never");
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1)}), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_EQ(gateway_->Drain(absl::ZeroDuration()), absl::OkStatus());
  EXPECT_EQ(counters().dead_letters, 1u);
  ASSERT_EQ(DeadLetters().size(), 1u);
  EXPECT_THAT(DeadLetters()[0], HasSubstr("never"));
}

TEST_F(GatewayRulesTest, R6AFullOutboxRefusesInputAndAppliesNothing) {
  options_.outbox_commands_max = 1;
  sink_.refuse = absl::UnavailableError("down");
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1)}), IsEmpty());
  const Record next = make_.Owner(2, "Bob", 2);
  EXPECT_EQ(Ingest({next}).code(), absl::StatusCode::kResourceExhausted);
  sink_.refuse = absl::OkStatus();
  EXPECT_THAT(Quiet(), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_EQ(gateway_->Drain(absl::ZeroDuration()), absl::OkStatus());
  EXPECT_THAT(Sent({next}), ElementsAre("owner/2 Bob [] {}"));
}

TEST_F(GatewayRulesTest, R7ADeletedRootIsForgottenOnceAndItsKeyMayComeBack) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), make_.Note(7, 1, "a", 2)}), ElementsAre("owner/1 Ann [a,] {}"));
  EXPECT_THAT(Sent({make_.Delete("owner", 1, 3)}), ElementsAre("owner/1 forgotten"));
  EXPECT_THAT(Sent({make_.Note(7, 1, "b", 4, "", 'u')}), IsEmpty());  // an orphan
  EXPECT_EQ(counters().parked, 0u);
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 5)}), ElementsAre("owner/1 Ann [b,] {}"));
}

TEST_F(GatewayRulesTest, R7ARootThatWasNeverSentIsNotForgotten) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), make_.Delete("owner", 1, 2)}), IsEmpty());
  EXPECT_EQ(counters().parked, 0u);
}

TEST_F(GatewayRulesTest, R7TombstonesAreIgnored) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), make_.Raw("bos.public.owner", "{\"id\":1}", std::nullopt)}),
              ElementsAre("owner/1 Ann [] {}"));
  EXPECT_EQ(counters().ignored, 1u);
}

// The two records of a note's key change 7 -> 9, each from a partition of its own.
struct KeyChange {
  Record gone;
  Record come;
};
KeyChange NoteMoves(ChangeMaker& make, const std::string& text = "a") {
  return {make.Make({.table = "note",
                     .operation = 'd',
                     .key = "{\"id\":7}",
                     .lsn = 5,
                     .partition = 1,
                     .headers = {{"__debezium.newkey", "{\"id\":9}"}}}),
          make.Make({.table = "note",
                     .operation = 'c',
                     .key = "{\"id\":9}",
                     .after = absl::StrCat("{\"id\":9,\"owner_id\":1,\"text\":\"", text, "\"}"),
                     .lsn = 5,
                     .partition = 2,
                     .headers = {{"__debezium.oldkey", "{\"id\":7}"}}})};
}

TEST_F(GatewayRulesTest, R7AChildsKeyChangeIsOneStepWhicheverHalfComesFirst) {
  const std::vector<Record> before = {make_.Owner(1, "Ann", 1), make_.Note(7, 1, "a", 2)};
  EXPECT_THAT(Sent(before), ElementsAre("owner/1 Ann [a,] {}"));
  const KeyChange change = NoteMoves(make_);
  EXPECT_THAT(Sent({change.gone}), IsEmpty());
  EXPECT_THAT(Sent({change.come}), IsEmpty());  // the same content under the new key
  EXPECT_THAT(Sent({make_.Note(9, 1, "c", 6, "", 'u')}), ElementsAre("owner/1 Ann [c,] {}"));
}

TEST_F(GatewayRulesTest, R7AChildsKeyChangeIsOneStepIfTheNewKeyComesFirst) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), make_.Note(7, 1, "a", 2)}), ElementsAre("owner/1 Ann [a,] {}"));
  const KeyChange change = NoteMoves(make_, "b");
  EXPECT_THAT(Sent({change.come}), ElementsAre("owner/1 Ann [b,] {}"));
  EXPECT_THAT(Sent({change.gone}), IsEmpty());
}

TEST_F(GatewayRulesTest, R7TheOldKeysEarlierRecordsMayComeAfterTheNewKeys) {
  const KeyChange change = NoteMoves(make_, "b");
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), change.come}), ElementsAre("owner/1 Ann [b,] {}"));
  // Partition 1 is behind: a snapshot read and a change of the row that has left.
  EXPECT_THAT(Sent({make_.Note(7, 1, "read", 2, "", 'r'), make_.Note(7, 1, "changed", 3, "", 'u')}), IsEmpty());
  EXPECT_THAT(Sent({change.gone}), IsEmpty());
  EXPECT_THAT(Sent({make_.Note(7, 1, "anew", 8)}), ElementsAre("owner/1 Ann [anew,b,] {}"));
}

TEST_F(GatewayRulesTest, R7AnOldRowUnderTheNewKeyDoesNotEndTheWait) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1), make_.Note(7, 1, "a", 2)}), ElementsAre("owner/1 Ann [a,] {}"));
  const KeyChange change = NoteMoves(make_, "b");
  EXPECT_THAT(Sent({change.gone}), IsEmpty());
  // What had key 9 before, and its end.
  EXPECT_THAT(Sent({make_.Note(9, 2, "other", 1), make_.Delete("note", 9, 3)}), IsEmpty());
  EXPECT_THAT(Sent({change.come}), ElementsAre("owner/1 Ann [b,] {}"));
}

TEST_F(GatewayRulesTest, R7ARootsKeyChangeForgetsTheOldAndTellsOfTheNewTogether) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1)}), ElementsAre("owner/1 Ann [] {}"));
  const Record gone = make_.Make({.table = "owner",
                                  .operation = 'd',
                                  .key = "{\"id\":1}",
                                  .lsn = 5,
                                  .partition = 1,
                                  .headers = {{"__debezium.newkey", "{\"id\":2}"}}});
  const Record come = make_.Make({.table = "owner",
                                  .operation = 'c',
                                  .key = "{\"id\":2}",
                                  .after = "{\"id\":2,\"name\":\"Ann\"}",
                                  .lsn = 5,
                                  .partition = 2,
                                  .headers = {{"__debezium.oldkey", "{\"id\":1}"}}});
  EXPECT_THAT(Sent({gone}), IsEmpty());
  EXPECT_THAT(Sent({come}), ElementsAre("owner/2 Ann [] {}", "owner/1 forgotten"));
}

TEST_F(GatewayRulesTest, R8TruncateStopsWithAnErrorAfterWhatCameBefore) {
  const Record before = make_.Owner(1, "Ann", 1);
  const Record truncate = make_.Make({.table = "owner", .operation = 't', .key = "", .lsn = 2});
  const absl::Status status = Ingest({before, truncate, make_.Owner(2, "Bob", 3)});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("public.owner was truncated"));
  EXPECT_THAT(Quiet(), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_EQ(gateway_->Positions()[0].offset, before.offset);
  Open();
  EXPECT_EQ(Ingest({before, truncate}).code(), absl::StatusCode::kFailedPrecondition);
}

constexpr char kPlaceholder[] = "__debezium_unavailable_value";

TEST_F(GatewayRulesTest, R9ThePlaceholderKeepsAStoredValueThatIsLarge) {
  const std::string large(2001, 'x');
  EXPECT_THAT(Sent({make_.Owner(1, large, 1)}), ElementsAre("owner/1 " + large + " [] {}"));
  EXPECT_THAT(Sent({make_.Owner(1, kPlaceholder, 2, "", 'u')}), IsEmpty());
}

TEST_F(GatewayRulesTest, R9ThePlaceholderIsLiteralIfTheStoredValueIsSmallAndInCreatesAndReads) {
  EXPECT_THAT(Sent({make_.Owner(1, kPlaceholder, 1)}), ElementsAre(absl::StrCat("owner/1 ", kPlaceholder, " [] {}")));
  EXPECT_THAT(Sent({make_.Owner(2, "small", 2)}), ElementsAre("owner/2 small [] {}"));
  EXPECT_THAT(Sent({make_.Owner(2, kPlaceholder, 3, "", 'u')}),
              ElementsAre(absl::StrCat("owner/2 ", kPlaceholder, " [] {}")));
  const std::string large(2001, 'x');
  EXPECT_THAT(Sent({make_.Owner(3, large, 4)}), ElementsAre("owner/3 " + large + " [] {}"));
  EXPECT_THAT(Sent({make_.Owner(3, kPlaceholder, 5, "", 'r')}),
              ElementsAre(absl::StrCat("owner/3 ", kPlaceholder, " [] {}")));
}

TEST_F(GatewayRulesTest, R9AValueThatWasNeverSeenMakesTheAggregateIncomplete) {
  EXPECT_THAT(Sent({make_.Owner(1, kPlaceholder, 2, "", 'u')}), IsEmpty());
  EXPECT_EQ(counters().incomplete, 1u);
  EXPECT_THAT(Sent({make_.Owner(1, "known", 3, "", 'u')}), ElementsAre("owner/1 known [] {}"));
  EXPECT_EQ(counters().incomplete, 0u);
}

TEST_F(GatewayRulesTest, R10UnknownColumnsAreIgnoredAndCounted) {
  EXPECT_THAT(Sent({make_.Make({.table = "owner",
                                .key = "{\"id\":1}",
                                .after = "{\"id\":1,\"new\":{\"a\":[1]},\"name\":\"Ann\",\"x\":null}",
                                .lsn = 1})}),
              ElementsAre("owner/1 Ann [] {}"));
  EXPECT_EQ(counters().unknown_columns, 2u);
}

TEST_F(GatewayRulesTest, R10WhatCannotBeUnderstoodIsSetAsideWithItsBytesAndTheRestGoesOn) {
  const std::string broken = "{\"op\":\"c\",\"after\":{\"id\":1,\"na\xff";
  EXPECT_THAT(Sent({make_.Make({.table = "owner", .key = "{\"id\":1}", .after = "{\"id\":1}", .lsn = 1}),
                    make_.Make({.table = "owner", .key = "{\"id\":2}", .after = "{\"id\":2,\"name\":5}", .lsn = 2}),
                    make_.Raw("bos.public.owner", std::nullopt, broken), make_.Owner(3, "Eve", 3)}),
              ElementsAre("owner/3 Eve [] {}"));
  EXPECT_EQ(counters().dead_letters, 3u);
  const std::vector<std::string> lines = DeadLetters();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0], HasSubstr("bos.public.owner[0]@0: after.name: a mandatory column is missing"));
  EXPECT_THAT(lines[1], HasSubstr("after: name: expected text"));
  EXPECT_THAT(lines[2], HasSubstr("value_base64"));
  // They are records in the form that a record file has.
  auto file = RecordFile::Open(options_.dead_letter_directory + "/gateway.ndjson");
  ASSERT_EQ(file.status(), absl::OkStatus());
  RecordBatch batch;
  ASSERT_TRUE(*(*file)->Read(10, batch));
  ASSERT_EQ(batch.records().size(), 3u);
  EXPECT_EQ(*batch.records()[2].value, broken);
  EXPECT_EQ(batch.records()[2].offset, 2);
  // And they are not set aside again.
  Open();
  EXPECT_EQ(gateway_->Positions()[0].offset, 3);
}

TEST_F(GatewayRulesTest, R10ADeadLettersTransactionDoesNotWaitForIt) {
  EXPECT_EQ(Ingest({make_.Owner(1, "Ann", 1, "70"), make_.End("70", {{"owner", 1}, {"note", 1}}),
                    make_.Make({"note", 'c', "{\"id\":7}", "{\"id\":7,\"owner_id\":1}", 2, "70"})}),
            absl::OkStatus());
  EXPECT_THAT(sink_.Take(), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_EQ(counters().dead_letters, 1u);
}

TEST_F(GatewayRulesTest, R10ALineThatIsNoRecordIsSetAsideOnce) {
  Open();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(gateway_->SetAside("rub\xff"
                                 "bish",
                                 "line 3", absl::InvalidArgumentError("no JSON")),
              absl::OkStatus());
    Open();
  }
  EXPECT_EQ(DeadLetters().size(), 1u);
}

TEST_F(GatewayRulesTest, R10ALineIsForgottenAfterManyOthersSoThatMemoryIsBounded) {
  options_.bad_lines_max = 2;
  const auto letters_after = [&](std::string_view line) {
    Open();
    EXPECT_EQ(gateway_->SetAside(line, "line", absl::InvalidArgumentError("no JSON")), absl::OkStatus());
    return DeadLetters().size();
  };
  EXPECT_EQ(letters_after("one"), 1u);
  EXPECT_EQ(letters_after("two"), 2u);
  EXPECT_EQ(letters_after("one"), 2u);
  EXPECT_EQ(letters_after("three"), 3u);
  EXPECT_EQ(letters_after("one"), 4u);
}

TEST_F(GatewayRulesTest, R10AnAggregateThatCannotBeMappedIsSetAsideUntilItChanges) {
  EXPECT_THAT(Sent({make_.Owner(1, "unmappable", 1)}), IsEmpty());
  EXPECT_EQ(counters().dead_letters, 1u);
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 2, "", 'u')}), ElementsAre("owner/1 Ann [] {}"));
}

TEST_F(GatewayRulesTest, R11ASharedRowsChangeReachesAllInBoundedChunks) {
  options_.fan_out_chunk = 10;
  std::vector<Record> records = {make_.MakeRow(9, "Fiat", 1)};
  for (int i = 1; i <= 35; ++i) {
    records.push_back(make_.Owner(i, "Ann", 1));
    records.push_back(make_.Car(i, i, 9, 2));
  }
  std::size_t first = Sent(records).size();
  for (int i = 0; i < 5; ++i) first += Quiet().size();
  EXPECT_EQ(first, 36u);
  EXPECT_EQ(Ingest({make_.MakeRow(9, "Seat", 3, "70", 'u'), make_.End("70", {{"make", 1}})}), absl::OkStatus());
  EXPECT_LE(sink_.list.size(), 11u);
  const std::vector<std::string> begun = sink_.Take();
  std::set<std::string> reached(begun.begin(), begun.end());
  Open();  // the rest is not forgotten
  for (int i = 0; i < 5; ++i) {
    const std::vector<std::string> more = Quiet();
    reached.insert(more.begin(), more.end());
  }
  EXPECT_EQ(reached.size(), 36u);
  EXPECT_EQ(counters().dirty, 0u);
}

TEST_F(GatewayRulesTest, R14TheLagIsMeasuredFromTheSourcesCommitTime) {
  EXPECT_THAT(Sent({make_.Owner(1, "Ann", 1)}), ElementsAre("owner/1 Ann [] {}"));
  EXPECT_EQ(counters().source_lag, absl::Milliseconds(1050));
}

TEST_F(GatewayRulesTest, HeartbeatsSignalsMessagesAndSchemaChangesAreTolerated) {
  EXPECT_THAT(Sent({make_.Raw("__debezium-heartbeat.bos", "{\"serverName\":\"bos\"}", "{\"ts_ms\":1}"),
                    make_.Make({.table = "dbz_signal", .key = "{\"id\":\"x\"}", .after = "{\"id\":\"x\"}", .lsn = 1}),
                    make_.Raw("bos.message", std::nullopt, "{\"op\":\"m\",\"message\":{\"prefix\":\"p\"}}"),
                    make_.Raw("bos", std::nullopt, "{\"source\":{},\"ddl\":\"alter\",\"tableChanges\":[]}")}),
              IsEmpty());
  EXPECT_EQ(counters().ignored, 4u);
  EXPECT_EQ(counters().dead_letters, 0u);
}

TEST_F(GatewayRulesTest, AnotherCatalogsDataIsRefused) {
  Open();
  options_.catalog = *Catalog::Make({{"public.other", {{"id", ColumnType::kInt64}}, {"id"}}}, {});
  options_.mappings = {};
  EXPECT_EQ(Gateway::Open(options_, kv_.get(), &sink_).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace daybook::cdc
