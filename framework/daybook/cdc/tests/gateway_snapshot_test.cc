// Rule R12: what a full snapshot lacks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/cdc/tests/gateway_fixture.h"

namespace daybook::cdc {
namespace {

using test::ChangeMaker;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class GatewaySnapshotTest : public test::GatewayFixture {
 protected:
  Record Read(int id, const std::string& name, std::int64_t lsn, const std::string& phase) {
    return make_.Make({.table = "owner",
                       .operation = 'r',
                       .key = ChangeMaker::KeyOf(id),
                       .after = absl::StrCat("{\"id\":", id, ",\"name\":\"", name, "\"}"),
                       .lsn = phase == "incremental" ? std::nullopt : std::optional<std::int64_t>(lsn),
                       .snapshot = phase});
  }
  // Owners 1, 2 and 3, and a snapshot at 200 without the second.
  void TakeSnapshotWithoutBob() {
    EXPECT_EQ(Sent({Read(1, "Ann", 100, "first"), Read(2, "Bob", 100, "true"), Read(3, "Eve", 100, "last")}).size(),
              3u);
    EXPECT_THAT(Sent({Read(1, "Ann", 200, "first"), Read(3, "Eve", 200, "last")}), IsEmpty());
  }
  // Looks to the end, `step` rows at a time; how many steps it took.
  int Check(std::size_t step = 10'000) {
    for (int steps = 1; steps < 10'000; ++steps) {
      const absl::StatusOr<bool> done = gateway_->CheckSnapshot(step);
      EXPECT_EQ(done.status(), absl::OkStatus());
      if (!done.ok() || *done) return steps;
    }
    return -1;
  }
  SnapshotCheck check() const { return gateway_->snapshot_check(); }
};

TEST_F(GatewaySnapshotTest, R12ASnapshotReadAgainEmitsNothingAndReportsWhatItMisses) {
  EXPECT_EQ(Sent({Read(1, "Ann", 100, "first"), Read(2, "Bob", 100, "true"), Read(3, "Eve", 100, "true")}).size(), 3u);
  EXPECT_FALSE(gateway_->SnapshotEndedAt().has_value());
  EXPECT_EQ(check().stage, SnapshotCheck::Stage::kReading);
  EXPECT_THAT(Sent({Read(3, "Eve", 100, "last")}), IsEmpty());
  EXPECT_TRUE(gateway_->SnapshotEndedAt().has_value());
  Check();
  EXPECT_EQ(check().stage, SnapshotCheck::Stage::kChecked);
  EXPECT_EQ(check().missing, 0u);
  EXPECT_THAT(Sent({make_.Owner(4, "Dan", 150)}), ElementsAre("owner/4 Dan [] {}"));
  EXPECT_THAT(Sent({Read(1, "Ann", 200, "first"), Read(3, "Eve", 200, "true"), Read(4, "Dan", 200, "last")}),
              IsEmpty());
  EXPECT_GT(Check(1), 3);  // as many steps as it takes
  EXPECT_EQ(check().lsn, 200u);
  EXPECT_EQ(check().missing, 1u);
  EXPECT_THAT(check().rows, ElementsAre("public.owner 2"));
  EXPECT_EQ(counters().rows_missing_from_snapshot, 1u);
  EXPECT_FALSE(gateway_->SnapshotEndedAt().has_value());
  EXPECT_THAT(Sent({}), IsEmpty());
}

TEST_F(GatewaySnapshotTest, R12ThatASnapshotEndedAndWhatItLacksSurviveARestart) {
  TakeSnapshotWithoutBob();
  for (int start = 0; start < 2; ++start) {  // unchecked, then checked
    Open();
    ASSERT_TRUE(gateway_->SnapshotEndedAt().has_value());
    Check();
    EXPECT_THAT(check().rows, ElementsAre("public.owner 2"));
  }
  EXPECT_THAT(Sent({make_.Delete("owner", 2, 210)}), ElementsAre("owner/2 forgotten"));
  Open();
  EXPECT_FALSE(gateway_->SnapshotEndedAt().has_value());
  EXPECT_EQ(check().stage, SnapshotCheck::Stage::kChecked);
  EXPECT_EQ(check().missing, 0u);
}

TEST_F(GatewaySnapshotTest, R12ARestartWithinASnapshotForgetsNoTableOfIt) {
  EXPECT_EQ(Sent({Read(1, "Ann", 100, "first")}).size(), 1u);
  Open();
  EXPECT_EQ(check().stage, SnapshotCheck::Stage::kReading);
  EXPECT_THAT(Sent({Read(2, "Bob", 100, "last")}), ElementsAre("owner/2 Bob [] {}"));
  Check();
  EXPECT_EQ(check().missing, 0u);
  EXPECT_THAT(check().tables_without_rows, IsEmpty());
}

TEST_F(GatewaySnapshotTest, R12AnIncrementalSnapshotIsNotChecked) {
  EXPECT_EQ(Sent({Read(1, "Ann", 0, "incremental"), make_.Owner(2, "Bob", 5)}).size(), 2u);
  EXPECT_FALSE(gateway_->SnapshotEndedAt().has_value());
  EXPECT_EQ(check().stage, SnapshotCheck::Stage::kNone);
}

TEST_F(GatewaySnapshotTest, R12TheFirstChangeBehindASnapshotEndsItIfItsLastRecordIsNotCaptured) {
  EXPECT_EQ(Sent({Read(1, "Ann", 100, "first"), make_.Owner(2, "Bob", 90)}).size(), 2u);
  EXPECT_FALSE(gateway_->SnapshotEndedAt().has_value());  // that one is from before
  EXPECT_EQ(Sent({make_.Owner(3, "Eve", 110)}).size(), 1u);
  EXPECT_TRUE(gateway_->SnapshotEndedAt().has_value());
}

TEST_F(GatewaySnapshotTest, R12WhatIsAppliedAfterTheCheckIsTakenOff) {
  EXPECT_EQ(Sent({Read(1, "Ann", 100, "first"), Read(2, "Bob", 100, "true"), Read(3, "Eve", 100, "true"),
                  Read(4, "Dan", 100, "last")})
                .size(),
            4u);
  EXPECT_THAT(Sent({Read(1, "Ann", 200, "first"), Read(1, "Ann", 200, "last")}), IsEmpty());
  Check();
  EXPECT_EQ(check().missing, 3u);
  // A record of the snapshot that came late, and a change of a transaction that was open when it was taken.
  EXPECT_THAT(Sent({Read(2, "Bob", 200, "true"), make_.Owner(3, "Eva", 190, "", 'u')}),
              ElementsAre("owner/3 Eva [] {}"));
  EXPECT_THAT(check().rows, ElementsAre("public.owner 4"));
  EXPECT_EQ(counters().rows_missing_from_snapshot, 1u);
  Open();
  Check();
  EXPECT_THAT(check().rows, ElementsAre("public.owner 4"));
  // The next snapshot is another matter.
  EXPECT_THAT(Sent({Read(1, "Ann", 300, "first")}), IsEmpty());
  EXPECT_EQ(check().stage, SnapshotCheck::Stage::kReading);
  EXPECT_EQ(counters().rows_missing_from_snapshot, 0u);
}

TEST_F(GatewaySnapshotTest, R12ATableWithoutARowInTheSnapshotIsNamedAndNotCounted) {
  EXPECT_EQ(Sent({make_.MakeRow(9, "Fiat", 10), Read(1, "Ann", 100, "first"), Read(2, "Bob", 100, "last")}).size(), 3u);
  Check();
  EXPECT_EQ(check().missing, 0u);
  EXPECT_THAT(check().tables_without_rows, ElementsAre("public.make"));
}

TEST_F(GatewaySnapshotTest, R12AThousandMissingRowsAreNamedAndAllAreCounted) {
  constexpr int kRows = static_cast<int>(SnapshotCheck::kRowsNamedMax) + 2;
  std::vector<Record> records = {Read(1, "Ann", 200, "first")};
  for (int id = 2; id <= kRows + 1; ++id) records.push_back(make_.Owner(id, "Bob", 10));
  records.push_back(Read(1, "Ann", 200, "last"));
  Sent(records);
  Check(100);
  EXPECT_EQ(check().missing, static_cast<std::uint64_t>(kRows));
  EXPECT_EQ(check().rows.size(), SnapshotCheck::kRowsNamedMax);
  // Once those are gone the others get their names.
  records.clear();
  for (int id = 2; id < kRows; ++id) records.push_back(make_.Delete("owner", id, 210));
  Sent(records);
  Check(100);
  EXPECT_THAT(check().rows,
              ElementsAre(absl::StrCat("public.owner ", kRows), absl::StrCat("public.owner ", kRows + 1)));
  EXPECT_EQ(check().missing, 2u);
}

}  // namespace
}  // namespace daybook::cdc
