#include "daybook/base/clock.h"

#include <gtest/gtest.h>

namespace daybook {
namespace {

TEST(TimestampTextTest, SixDigitsAndZAlways) {
  EXPECT_EQ(FormatTimestamp(Timestamp::FromMicros(0)), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(FormatTimestamp(Timestamp::FromMicros(1'767'323'045'123'456)), "2026-01-02T03:04:05.123456Z");
}

TEST(TimestampTextTest, OffsetsAndMissingFractionsAreRead) {
  EXPECT_EQ(ParseTimestamp("2026-01-02T04:04:05.123456+01:00").value().micros(), 1'767'323'045'123'456);
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00:01Z").value().micros(), 1'000'000);
  EXPECT_EQ(ParseTimestamp("0001-01-01T00:00:00Z").value().micros(), -62'135'596'800'000'000);
}

TEST(TimestampTextTest, OtherTextIsAnErrorThatQuotesIt) {
  const auto result = ParseTimestamp("yesterday");
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(result.status().message().find("yesterday"), absl::string_view::npos);
}

}  // namespace
}  // namespace daybook
