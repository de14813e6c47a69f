#include "daybook/base/strings.h"

#include <gtest/gtest.h>

#include <limits>

namespace daybook {
namespace {

TEST(BigEndianTest, ByteOrderIsNumericOrder) {
  std::string small, large;
  AppendBigEndian64(small, 255);
  AppendBigEndian64(large, 256);
  EXPECT_LT(small, large);
  EXPECT_EQ(ReadBigEndian64(large.data()), 256u);
}

TEST(VarintTest, EveryWidthRoundTrips) {
  for (int shift = 0; shift < 64; ++shift) {
    const std::uint64_t value = std::numeric_limits<std::uint64_t>::max() >> shift;
    std::string out;
    AppendVarint(out, value);
    std::string_view in = out;
    std::uint64_t back = 0;
    ASSERT_TRUE(ConsumeVarint(in, back));
    EXPECT_EQ(back, value);
    EXPECT_TRUE(in.empty());
  }
}

TEST(VarintTest, ATruncatedOrOverlongOneIsRefused) {
  std::uint64_t value = 0;
  std::string_view cut("\x80", 1);
  EXPECT_FALSE(ConsumeVarint(cut, value));
  std::string_view overlong("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
  EXPECT_FALSE(ConsumeVarint(overlong, value));
}

TEST(LengthPrefixedTest, ALengthBeyondTheEndIsRefused) {
  std::string_view in(
      "\x05"
      "abc",
      4);
  std::string_view bytes;
  EXPECT_FALSE(ConsumeLengthPrefixed(in, bytes));
}

TEST(Utf8Test, OverlongSurrogatesAndCutSequencesAreRefused) {
  EXPECT_TRUE(IsValidUtf8("plain \xc3\xa9 \xe2\x80\xa8 \xf0\x9f\x98\x80"));
  for (const char* bad : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x80", "\x80", "\xff"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

TEST(Utf8Test, EachMaximalIllFormedPartBecomesOneReplacement) {
  const std::string r = "\xef\xbf\xbd";
  EXPECT_EQ(ReplaceInvalidUtf8("plain \xc3\xa9"), "plain \xc3\xa9");
  EXPECT_EQ(ReplaceInvalidUtf8("a\xe2\x80z"), "a" + r + "z");
  EXPECT_EQ(ReplaceInvalidUtf8("\xed\xa0\x80"), r + r + r);
  EXPECT_EQ(ReplaceInvalidUtf8("\xf0\x9f\x98"), r);
  EXPECT_EQ(ReplaceInvalidUtf8("\xff\xc3\xa9\xc3"), r + "\xc3\xa9" + r);
}

}  // namespace
}  // namespace daybook
