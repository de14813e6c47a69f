#include "daybook/observe/health.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace daybook::observe {
namespace {

TEST(HealthTest, ReadyMeansThatNoCheckHasAnError) {
  Health health;
  EXPECT_TRUE(health.ready());
  health.Set("store", absl::OkStatus());
  health.Set("gateway", absl::UnavailableError("1 of 2"));
  EXPECT_FALSE(health.ready());
  health.Set("gateway", absl::OkStatus());
  EXPECT_TRUE(health.ready());
}

TEST(HealthTest, CallbacksAreAskedEachTimeAndReportedByName) {
  Health health;
  absl::Status state = absl::OkStatus();
  health.AddCheck("b", [&] { return state; });
  health.Set("a", absl::OkStatus());
  EXPECT_TRUE(health.ready());
  state = absl::DataLossError("bad block");
  const auto report = health.Report();
  ASSERT_EQ(report.size(), 2u);
  EXPECT_EQ(report[0].name, "a");
  EXPECT_EQ(report[1].name, "b");
  EXPECT_EQ(report[1].status.message(), "bad block");
  health.Remove("b");
  EXPECT_TRUE(health.ready());
}

TEST(HealthTest, ACheckThatThrowsIsAnError) {
  Health health;
  health.AddCheck("x", []() -> absl::Status { throw std::runtime_error("boom"); });
  EXPECT_FALSE(health.ready());
  EXPECT_EQ(health.Report()[0].status.message(), "the check threw: boom");
}

TEST(HealthTest, ACheckMayChangeTheHealthItBelongsTo) {
  Health health;
  health.AddCheck("x", [&] {
    health.Set("y", absl::OkStatus());
    return absl::OkStatus();
  });
  EXPECT_TRUE(health.ready());
  EXPECT_EQ(health.Report().size(), 2u);
}

TEST(HealthTest, TheFirstReasonOfDeathStays) {
  Health health;
  EXPECT_TRUE(health.alive().ok());
  health.SetDead(absl::DataLossError("first"));
  health.SetDead(absl::InternalError("second"));
  EXPECT_EQ(health.alive().message(), "first");
}

}  // namespace
}  // namespace daybook::observe
