#include "daybook/base/reason.h"

#include <gtest/gtest.h>

#include "daybook/base/status.h"

namespace daybook {
namespace {

TEST(ReasonTest, AReasonTravelsWithItsStatus) {
  const absl::Status status = WithReason(absl::ResourceExhaustedError("full"), "QUEUE_FULL");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(ReasonOf(Annotate(status, "partition 0")), "QUEUE_FULL");
}

TEST(ReasonTest, WithoutAReasonItIsEmpty) {
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), "");
  EXPECT_EQ(ReasonOf(WithReason(absl::OkStatus(), "QUEUE_FULL")), "");
}

TEST(ReasonTest, ARetryHintIsAtLeastOneMillisecond) {
  EXPECT_EQ(RetryAfterOf(absl::InternalError("x")), std::nullopt);
  EXPECT_EQ(RetryAfterOf(WithRetryAfter(absl::UnavailableError("x"), absl::Milliseconds(250))),
            absl::Milliseconds(250));
  EXPECT_EQ(RetryAfterOf(WithRetryAfter(absl::UnavailableError("x"), absl::Microseconds(3))), absl::Milliseconds(1));
}

}  // namespace
}  // namespace daybook
