#include <gtest/gtest.h>

#include "daybook/testing/fake_clock.h"
#include "daybook/testing/fake_ids.h"

namespace daybook::testing {
namespace {

TEST(FakeClockTest, AdvanceMovesBothTimes) {
  FakeClock clock(Timestamp::FromMillis(1700));
  const absl::Duration before = clock.Monotonic();
  clock.Advance(absl::Milliseconds(5));
  EXPECT_EQ(clock.Now(), Timestamp::FromMillis(1705));
  EXPECT_EQ(clock.Monotonic() - before, absl::Milliseconds(5));
}

TEST(FakeClockTest, StepWallLeavesTheMonotonicTime) {
  FakeClock clock(Timestamp::FromMillis(1700));
  const absl::Duration before = clock.Monotonic();
  clock.StepWall(-absl::Milliseconds(700));
  EXPECT_EQ(clock.Now(), Timestamp::FromMillis(1000));
  EXPECT_EQ(clock.Monotonic(), before);
}

TEST(FakeIdsTest, IdsCountAndCarryTheTime) {
  FakeIds ids;
  const Timestamp now = Timestamp::FromMillis(1'700'000'000'000);
  const Uuid first = ids.New(now);
  const Uuid second = ids.New(now);
  EXPECT_EQ(first, FakeIds::Numbered(1, now));
  EXPECT_LT(first, second);
  EXPECT_EQ(first.version(), 7);
  EXPECT_EQ(TimeOfUuid(first), now);
  EXPECT_EQ(NumberedCommandId(1).ToString(), "00000000-0000-7000-8000-000000000001");
}

}  // namespace
}  // namespace daybook::testing
