#include "daybook/base/rate_limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "daybook/testing/fake_clock.h"

namespace daybook {
namespace {

constexpr absl::Duration kNow = absl::ZeroDuration();

class RateLimiterTest : public ::testing::Test {
 protected:
  RateLimiterOptions Options(double rate, double burst, std::size_t keys_max = 100) {
    return {rate, burst, keys_max, &clock_};
  }
  testing::FakeClock clock_;
};

TEST_F(RateLimiterTest, AFullBucketGivesItsBurstAndThenTheRate) {
  RateLimiter limiter(Options(2, 3));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.Take("ada"), kNow) << i;
  EXPECT_EQ(limiter.Take("ada"), absl::Milliseconds(500));
  clock_.Advance(absl::Milliseconds(499));
  EXPECT_GT(limiter.Take("ada"), kNow);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(limiter.Take("ada"), kNow);
  EXPECT_GT(limiter.Take("ada"), kNow);
}

TEST_F(RateLimiterTest, WhoAsksTooOftenGetsTheRateAllTheSame) {
  RateLimiter limiter(Options(10, 1));
  int taken = 0;
  for (int i = 0; i < 10'000; ++i) {  // ten seconds, a thousand times a second
    if (limiter.Take("ada") == kNow) ++taken;
    clock_.Advance(absl::Milliseconds(1));
  }
  EXPECT_EQ(taken, 100);
}

TEST_F(RateLimiterTest, ALongPauseFillsTheBucketAndNoMore) {
  RateLimiter limiter(Options(5, 4));
  EXPECT_EQ(limiter.Take("ada"), kNow);
  clock_.Advance(absl::Hours(24 * 365));
  int taken = 0;
  while (limiter.Take("ada") == kNow) ++taken;
  EXPECT_EQ(taken, 4);
}

TEST_F(RateLimiterTest, ACallersBucketIsItsOwn) {
  RateLimiter limiter(Options(1, 1));
  EXPECT_EQ(limiter.Take("ada"), kNow);
  EXPECT_GT(limiter.Take("ada"), kNow);
  EXPECT_EQ(limiter.Take("bob"), kNow);
}

TEST_F(RateLimiterTest, TheTimeOfDayMayBeSetBack) {
  RateLimiter limiter(Options(1, 1));
  EXPECT_EQ(limiter.Take("ada"), kNow);
  clock_.StepWall(-absl::Hours(5));
  EXPECT_EQ(limiter.Take("ada"), absl::Seconds(1));
  clock_.StepWall(absl::Hours(50));
  EXPECT_EQ(limiter.Take("ada"), absl::Seconds(1));
}

TEST_F(RateLimiterTest, AFloodOfKeysIsBoundedAndWipesOutNoBucket) {
  RateLimiter limiter(Options(1, 2, 10));
  EXPECT_EQ(limiter.Take("ada"), kNow);
  EXPECT_EQ(limiter.Take("ada"), kNow);
  int taken = 0;
  for (int i = 0; i < 1000; ++i) {
    if (limiter.Take(std::to_string(i)) == kNow) ++taken;
  }
  EXPECT_EQ(limiter.keys(), 10u);
  EXPECT_EQ(taken, 9 + 2) << "nine buckets were free, the others shared one";
  EXPECT_GT(limiter.Take("ada"), kNow) << "the flood must not have given her a new bucket";
}

TEST_F(RateLimiterTest, ABucketThatIsFullAgainMakesRoom) {
  RateLimiter limiter(Options(1, 2, 2));
  limiter.Take("ada");
  limiter.Take("bob");
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(limiter.Take("eve"), kNow);
  EXPECT_EQ(limiter.Take("eve"), kNow);
  EXPECT_EQ(limiter.Take("eve"), absl::Seconds(1));
  EXPECT_EQ(limiter.keys(), 1u);
}

TEST_F(RateLimiterTest, ManyThreadsTogetherGetNoMoreThanTheBurst) {
  RateLimiter limiter(Options(1, 100));
  std::atomic<int> taken = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        if (limiter.Take("ada") == kNow) ++taken;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(taken, 100);
}

}  // namespace
}  // namespace daybook
