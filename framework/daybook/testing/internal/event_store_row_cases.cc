#include <optional>

#include "daybook/testing/internal/event_store_cases.h"

namespace daybook::testing::internal {
namespace {

using store::Batch;
using store::DeadlineRow;
using store::Direction;
using store::ExpectedRevision;
using store::OutcomeRow;
using store::SnapshotRow;

Timestamp At(std::int64_t ms) { return Timestamp::FromMillis(ms); }

void AnOutcomeIsFoundByItsCommandId(StoreUnderTest& s) {
  Batch batch;
  batch.outcomes = {{MakeCommandId(1), At(10), "one"}, {MakeCommandId(2), At(20), std::string("\0two", 4)}};
  ASSERT_TRUE(s->Append(batch).ok());
  const absl::StatusOr<std::optional<OutcomeRow>> found = s->FindOutcome(MakeCommandId(2), At(0));
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_EQ((*found)->command_id, MakeCommandId(2));
  EXPECT_EQ((*found)->decided_at, At(20));
  EXPECT_EQ((*found)->value, std::string("\0two", 4));
  EXPECT_FALSE(s->FindOutcome(MakeCommandId(3), At(0))->has_value());
}

void AnOutcomeOlderThanTheRetentionIsUnknown(StoreUnderTest& s) {
  Batch batch;
  batch.outcomes = {{MakeCommandId(1), At(10), "one"}};
  ASSERT_TRUE(s->Append(batch).ok());
  EXPECT_TRUE(s->FindOutcome(MakeCommandId(1), At(10))->has_value());
  EXPECT_FALSE(s->FindOutcome(MakeCommandId(1), At(11))->has_value());
  // The id counts as new then, and its next outcome takes the place.
  batch.outcomes = {{MakeCommandId(1), At(99), "again"}};
  ASSERT_TRUE(s->Append(batch).ok());
  EXPECT_EQ((*s->FindOutcome(MakeCommandId(1), At(11)))->value, "again");
}

void TheNewestSnapshotIsKept(StoreUnderTest& s) {
  s.Append(kA, {"1", "2", "3"});
  EXPECT_FALSE(s->FindSnapshot(kA)->has_value());
  ASSERT_TRUE(s->WriteSnapshots({{kA, Revision(2), Position(2), 77, "two"}}).ok());
  ASSERT_TRUE(s->WriteSnapshots({{kA, Revision(1), Position(1), 77, "one"}}).ok());
  const absl::StatusOr<std::optional<SnapshotRow>> found = s->FindSnapshot(kA);
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_EQ((*found)->stream, kA);
  EXPECT_EQ((*found)->revision, Revision(2));
  EXPECT_EQ((*found)->position, Position(2));
  EXPECT_EQ((*found)->fingerprint, 77u);
  EXPECT_EQ((*found)->state, "two");
  ASSERT_TRUE(s->WriteSnapshots({{kA, Revision(2), Position(2), 78, "refolded"}}).ok());
  EXPECT_EQ((*s->FindSnapshot(kA))->state, "refolded");
  EXPECT_FALSE(s->FindSnapshot(kB)->has_value());
}

void ASnapshotBeyondTheWatermarkIsDropped(StoreUnderTest& s) {
  s.Append(kA, {"1"});
  ASSERT_TRUE(s->WriteSnapshots({{kA, Revision(2), Position(2), 1, "early"}}).ok());
  EXPECT_FALSE(s->FindSnapshot(kA)->has_value());
}

void ABatchStoresSnapshotsOfItsOwnEvents(StoreUnderTest& s) {
  Batch batch;
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::Any(), {"1", "2"}));
  batch.snapshots = {{kA, Revision(2), Position(2), 1, "two"}, {kB, Revision(9), Position(9), 1, "not yet"}};
  ASSERT_TRUE(s->Append(batch).ok());
  EXPECT_EQ((*s->FindSnapshot(kA))->state, "two");
  EXPECT_FALSE(s->FindSnapshot(kB)->has_value());
}

std::string KeysOf(const absl::StatusOr<std::vector<DeadlineRow>>& rows) {
  EXPECT_TRUE(rows.ok()) << rows.status();
  std::string keys;
  if (!rows.ok()) return keys;
  for (const DeadlineRow& row : *rows)
    keys.append(keys.empty() ? "" : " ").append(row.owner).append(":").append(row.key);
  return keys;
}

void DeadlinesComeEarliestFirst(StoreUnderTest& s) {
  Batch batch;
  batch.deadlines_set = {{At(30), "p", "late", "3"}, {At(-5), "p", "early", "1"},
                         {At(20), "pq", "a", "2"},   {At(20), "p", "z", "2"},
                         {At(20), "p", "b", "2"},    {At(20), std::string("p\0q", 3), "b", ""},
                         {At(0), "p", "epoch", "0"}};
  ASSERT_TRUE(s->Append(batch).ok());
  const std::string with_nul("p\0q:b", 5);
  EXPECT_EQ(KeysOf(s->DueDeadlines(At(29), 100)), "p:early p:epoch p:b p:z " + with_nul + " pq:a");
  EXPECT_EQ(KeysOf(s->DueDeadlines(At(30), 2)), "p:early p:epoch");
  EXPECT_EQ(KeysOf(s->DueDeadlines(At(-6), 100)), "");
  EXPECT_EQ(s->DueDeadlines(Timestamp::FromMicros(INT64_MAX), 100)->size(), 7u);
  EXPECT_EQ(s->DueDeadlines(At(-5), 1)->at(0).payload, "1");
  EXPECT_EQ(s->DueDeadlines(At(-5), 1)->at(0).due, At(-5));
}

void ADeadlineIsOneRowUntilItIsCleared(StoreUnderTest& s) {
  Batch batch;
  batch.deadlines_set = {{At(1), "p", "k", "first"}, {At(2), "p", "k", "other time"}};
  ASSERT_TRUE(s->Append(batch).ok());
  batch.deadlines_set = {{At(1), "p", "k", "second"}};
  ASSERT_TRUE(s->Append(batch).ok());
  ASSERT_EQ(s->DueDeadlines(At(9), 9)->size(), 2u);
  EXPECT_EQ(s->DueDeadlines(At(9), 9)->at(0).payload, "second");
  batch.deadlines_set.clear();
  batch.deadlines_cleared = {{At(1), "p", "k", ""}, {At(7), "p", "never set", ""}};
  ASSERT_TRUE(s->Append(batch).ok());
  ASSERT_EQ(s->DueDeadlines(At(9), 9)->size(), 1u);
  EXPECT_EQ(s->DueDeadlines(At(9), 9)->at(0).payload, "other time");
}

void AnEarlierDeadlineIsFoundAfterLaterOnesWereLookedFor(StoreUnderTest& s) {
  Batch batch;
  for (const std::int64_t due : {50, 40, 60, 10}) {
    batch.deadlines_set = {{At(due), "p", std::to_string(due), ""}};
    ASSERT_TRUE(s->Append(batch).ok());
    EXPECT_EQ(s->DueDeadlines(At(100), 1)->at(0).due, At(due == 60 ? 40 : due));
    EXPECT_TRUE(s->DueDeadlines(At(5), 9)->empty());
  }
  EXPECT_EQ(KeysOf(s->DueDeadlines(At(100), 9)), "p:10 p:40 p:50 p:60");
  batch.deadlines_set.clear();
  batch.deadlines_cleared = {{At(10), "p", "10", ""}, {At(40), "p", "40", ""}, {At(50), "p", "50", ""}};
  ASSERT_TRUE(s->Append(batch).ok());
  EXPECT_EQ(KeysOf(s->DueDeadlines(At(100), 9)), "p:60");
  batch.deadlines_cleared = {{At(60), "p", "60", ""}};
  ASSERT_TRUE(s->Append(batch).ok());
  EXPECT_EQ(KeysOf(s->DueDeadlines(At(100), 9)), "");
  batch.deadlines_cleared.clear();
  batch.deadlines_set = {{At(70), "p", "70", ""}, {At(101), "p", "101", ""}};
  ASSERT_TRUE(s->Append(batch).ok());
  EXPECT_EQ(KeysOf(s->DueDeadlines(At(100), 9)), "p:70");
  EXPECT_EQ(KeysOf(s->DueDeadlines(At(101), 9)), "p:70 p:101");
}

void InputPositionsAreKeptBySource(StoreUnderTest& s) {
  Batch batch;
  batch.inputs = {{"topic/0", "17"}, {"topic/1", std::string("\0", 1)}};
  ASSERT_TRUE(s->Append(batch).ok());
  batch.inputs = {{"topic/0", "18"}};
  ASSERT_TRUE(s->Append(batch).ok());
  EXPECT_EQ(**s->FindInputPosition("topic/0"), "18");
  EXPECT_EQ(**s->FindInputPosition("topic/1"), std::string("\0", 1));
  EXPECT_FALSE(s->FindInputPosition("topic/2")->has_value());
}

// --- Restarts --------------------------------------------------------------------------------------------------------

void EverythingIsThereAfterAReopen(StoreUnderTest& s) {
  Batch batch;
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::NoStream(), {"1", "2"}));
  batch.outcomes = {{MakeCommandId(1), At(10), "one"}};
  batch.snapshots = {{kA, Revision(2), Position(2), 5, "state"}};
  batch.deadlines_set = {{At(1), "p", "k", "payload"}};
  batch.inputs = {{"topic/0", "17"}};
  ASSERT_TRUE(s->Append(batch).ok());
  s.Append(kB, {"3"});
  const std::vector<StoredEvent> before = s.All();
  for (int round = 0; round < 3; ++round) {
    s.Reopen();
    EXPECT_EQ(s.All(), before);
    EXPECT_EQ(DataOf(s.Stream(kA, Revision(), Direction::kBackwards)), "2 1");
    EXPECT_EQ(s->DurableWatermark(), Position(3));
    EXPECT_EQ((*s->FindOutcome(MakeCommandId(1), At(0)))->value, "one");
    EXPECT_EQ((*s->FindSnapshot(kA))->state, "state");
    EXPECT_EQ(s->DueDeadlines(At(9), 9)->at(0).payload, "payload");
    EXPECT_EQ(**s->FindInputPosition("topic/0"), "17");
  }
}

void AppendsGoOnWhereTheyEndedAfterAReopen(StoreUnderTest& s) {
  s.Append(kA, {"1", "2"});
  for (std::uint64_t revision = 2; revision < 6; ++revision) {
    s.Reopen();
    Batch batch;
    batch.appends = {MakeAppend(kA, ExpectedRevision::Exactly(Revision(revision - 1)), {"x"})};
    EXPECT_EQ(s->Append(batch).status().code(), absl::StatusCode::kAborted);
    batch.appends = {MakeAppend(kA, ExpectedRevision::Exactly(Revision(revision)), {"x"})};
    const absl::StatusOr<store::Appended> appended = s->Append(batch);
    ASSERT_TRUE(appended.ok()) << appended.status();
    EXPECT_EQ(appended->first, Position(revision + 1));
  }
  EXPECT_EQ(DataOf(s.All()), "1 2 x x x x");
}

void EpochsSurviveAReopen(StoreUnderTest& s) {
  const WriterEpoch old = *s->ClaimEpoch();
  const WriterEpoch claimed = *s->ClaimEpoch();
  s.Reopen();
  Batch batch;
  batch.epoch = old;
  batch.appends.push_back(MakeAppend(kA, ExpectedRevision::Any(), {"x"}));
  EXPECT_EQ(s->Append(batch).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_GT(*s->ClaimEpoch(), claimed);
}

void AStoreIsNotOpenedTwice(StoreUnderTest& s) {
  s.Append(kA, {"1"});
  EXPECT_EQ(s.harness().Open().status().code(), absl::StatusCode::kFailedPrecondition);
  s.Append(kA, {"2"});
  s.Reopen();
  EXPECT_EQ(DataOf(s.All()), "1 2");
}

}  // namespace

std::vector<EventStoreCase> RowCases() {
  return {{"AnOutcomeIsFoundByItsCommandId", AnOutcomeIsFoundByItsCommandId},
          {"AnOutcomeOlderThanTheRetentionIsUnknown", AnOutcomeOlderThanTheRetentionIsUnknown},
          {"TheNewestSnapshotIsKept", TheNewestSnapshotIsKept},
          {"ASnapshotBeyondTheWatermarkIsDropped", ASnapshotBeyondTheWatermarkIsDropped},
          {"ABatchStoresSnapshotsOfItsOwnEvents", ABatchStoresSnapshotsOfItsOwnEvents},
          {"DeadlinesComeEarliestFirst", DeadlinesComeEarliestFirst},
          {"ADeadlineIsOneRowUntilItIsCleared", ADeadlineIsOneRowUntilItIsCleared},
          {"AnEarlierDeadlineIsFoundAfterLaterOnesWereLookedFor", AnEarlierDeadlineIsFoundAfterLaterOnesWereLookedFor},
          {"InputPositionsAreKeptBySource", InputPositionsAreKeptBySource}};
}

std::vector<EventStoreCase> RestartCases() {
  return {{"EverythingIsThereAfterAReopen", EverythingIsThereAfterAReopen},
          {"AppendsGoOnWhereTheyEndedAfterAReopen", AppendsGoOnWhereTheyEndedAfterAReopen},
          {"EpochsSurviveAReopen", EpochsSurviveAReopen},
          {"AStoreIsNotOpenedTwice", AStoreIsNotOpenedTwice}};
}

}  // namespace daybook::testing::internal
