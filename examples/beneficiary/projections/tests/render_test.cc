#include "beneficiary/projections/render.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <limits>
#include <random>

#include "beneficiary/projections/internal/text.h"
#include "daybook/base/clock.h"

namespace beneficiary {
namespace {

std::string Rendered(std::string_view text, LineSeparators separators) {
  std::string out;
  AppendJsonString(text, separators, out);
  return out;
}

TEST(RenderTest, StringsAreEscapedAsBosDoes) {
  EXPECT_EQ(Rendered("a\"b\\c/d", LineSeparators::kEscaped), R"("a\"b\\c/d")");
  EXPECT_EQ(Rendered("\b\f\n\r\t", LineSeparators::kEscaped), R"("\b\f\n\r\t")");
  EXPECT_EQ(Rendered(std::string_view("\0\x01\x1f\x7f", 4), LineSeparators::kEscaped), "\"\\u0000\\u0001\\u001f\x7f\"");
  EXPECT_EQ(Rendered("\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x82\xac|\xe2\x80\xaa", LineSeparators::kEscaped),
            "\"\\u2028|\\u2029|\xe2\x82\xac|\xe2\x80\xaa\"");
  EXPECT_EQ(Rendered("\xe2\x80\xa8", LineSeparators::kRaw), "\"\xe2\x80\xa8\"");
  EXPECT_EQ(Rendered("\xe2\x80", LineSeparators::kEscaped), "\"\xe2\x80\"")
      << "cut UTF-8 is passed on, not read beyond";
  EXPECT_EQ(Rendered("", LineSeparators::kRaw), "\"\"");
}

TEST(RenderTest, AnyTextComesBackFromAJsonParser) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (std::uint32_t n = random() % 40; n > 0; --n) {
      const std::uint32_t kind = random() % 4;
      if (kind == 0) text.push_back(static_cast<char>(random() % 0x20));
      if (kind == 1) text.push_back(static_cast<char>(0x20 + random() % 0x60));
      if (kind == 2) text.append(random() % 2 == 0 ? "\xe2\x80\xa8" : "\xe2\x80\xb0");
      if (kind == 3) text.append("\xf0\x9f\x98\x80");
    }
    for (const LineSeparators separators : {LineSeparators::kRaw, LineSeparators::kEscaped}) {
      EXPECT_EQ(boost::json::parse(Rendered(text, separators)).as_string(), text);
    }
  }
}

TEST(RenderTest, AnEmptyStateIsStillValidJson) {
  std::string definitive, compat;
  AppendDefinitiveJson(state::v1::BeneficiaryState(), daybook::Revision(0), definitive);
  AppendCompatJson(state::v1::BeneficiaryState(), compat);
  EXPECT_EQ(boost::json::parse(definitive).at("address"), nullptr);
  EXPECT_EQ(boost::json::parse(definitive).at("name"), "");
  EXPECT_EQ(boost::json::parse(compat).at("city"), "");
}

TEST(RenderTest, ACorrespondentIsShownIfEitherPartIsThere) {
  state::v1::BeneficiaryState state;
  state.add_bank_accounts()->set_correspondent_account("12");
  std::string json;
  AppendDefinitiveJson(state, daybook::Revision(1), json);
  const boost::json::value correspondent = boost::json::parse(json).at("bank_accounts").at(0).at("correspondent");
  EXPECT_EQ(correspondent.at("account_number"), "12");
  EXPECT_EQ(correspondent.at("swift_code"), nullptr);
}

TEST(RenderTest, TimesAreThoseOfTheClockModule) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const std::int64_t last = absl::ToUnixMicros(absl::FromCivil(absl::CivilSecond(9999, 12, 31), absl::UTCTimeZone()));
  const std::int64_t first = absl::ToUnixMicros(absl::FromCivil(absl::CivilSecond(1, 1, 1), absl::UTCTimeZone()));
  std::vector<std::int64_t> times = {0, -1, 1, first, last, 951'782'400'000'000, 4'107'542'400'000'000};
  for (int i = 0; i < 2000; ++i)
    times.push_back(first + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(last - first)));
  for (const std::int64_t micros : times) {
    state::v1::BeneficiaryState state;
    state.set_created_at_us(micros);
    std::string json;
    AppendDefinitiveJson(state, daybook::Revision(1), json);
    const std::string expected = daybook::FormatTimestamp(daybook::Timestamp::FromMicros(micros));
    EXPECT_NE(json.find("\"created_at\":\"" + expected + "\""), std::string::npos) << expected << " in " << json;
  }
}

TEST(RenderTest, ExtremeTimesDoNotBreakTheDocument) {
  for (const std::int64_t micros :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    state::v1::BeneficiaryState state;
    state.set_created_at_us(micros);
    std::string json;
    AppendDefinitiveJson(state, daybook::Revision(1), json);
    EXPECT_TRUE(boost::json::parse(json).at("created_at").is_string()) << json;
  }
}

TEST(TextTest, Base64UrlRoundTripsAndRefusesTheRest) {
  for (std::size_t size = 0; size < 70; ++size) {
    const std::string bytes(size, static_cast<char>(0xf0 + size % 16));
    EXPECT_EQ(internal::DecodeBase64Url(internal::EncodeBase64Url(bytes)), bytes);
  }
  EXPECT_EQ(internal::EncodeBase64Url("\xfb\xff"), "-_8");
  for (const std::string_view bad : {"A", "AAAAA", "+/+/", "AA==", "AB", "\xc3\xa4"}) {
    EXPECT_EQ(internal::DecodeBase64Url(bad), std::nullopt) << bad;
  }
}

TEST(TextTest, IbansAreStrippedOfBlanksAndUpperCased) {
  EXPECT_EQ(internal::NormaliseIban(" es91 2100 "), "ES912100");
  EXPECT_EQ(internal::NormaliseIban("es\xc3\xa9"), "ES\xc3\x89");
  EXPECT_EQ(internal::NormaliseIban("a\tb"), "A\tB") << "only U+0020 is a blank, as at BOS";
  EXPECT_EQ(internal::NormaliseIban("  "), "");
}

}  // namespace
}  // namespace beneficiary
