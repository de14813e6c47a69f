#include "beneficiary/switch/masking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beneficiary::switching {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

MaskedDifference MaskedValue(std::string pattern, std::string bos, std::string daybook) {
  return Mask({Difference::Kind::kValue, pattern, pattern, "/0", std::move(bos), std::move(daybook)}, MaskingRules());
}

TEST(MaskingTest, ATextKeepsItsShapeAndTellsEqualFromUnequal) {
  EXPECT_THAT(MaskText("Acme-7 SL", 1), StartsWith("Xxxx-9 XX #"));
  EXPECT_THAT(MaskText("José ñ", 1), StartsWith("Xxx• • #"));
  EXPECT_EQ(MaskText("Ana", 1), MaskText("Ana", 1));
  EXPECT_NE(MaskText("Ana", 1), MaskText("Eva", 1));
  EXPECT_NE(MaskText("Ana", 1), MaskText("Ana", 2));
  EXPECT_LT(MaskText(std::string(10'000, 'x'), 1).size(), 60);
}

TEST(MaskingTest, PersonalValuesAreMaskedAtAnyDepthAndTheRestIsNot) {
  const std::string element =
      R"({"beneficiary_id":"12","name":"Acme","active":true,"n":123456,"email_addresses":["a@b.cd"],"note":null,)"
      R"("bank_accounts":[{"account_id":"7","iban":"ES9121","bank_country_code":"ES","kpp":""}]})";
  const MaskedDifference shown =
      Mask({Difference::Kind::kOnlyBos, "/beneficiary_id=12", "/*", "/0", element, ""}, MaskingRules());
  for (const char* personal : {"Acme", "ES9121", "a@b", "123456"}) EXPECT_THAT(shown.bos, Not(HasSubstr(personal)));
  for (const char* plain : {R"("beneficiary_id":"12")", R"("account_id":"7")", R"("bank_country_code":"ES")",
                            R"("active":true)", R"("note":null)", R"("kpp":"")", "XX9999 #", "x@x.xx #"}) {
    EXPECT_THAT(shown.bos, HasSubstr(plain));
  }
  EXPECT_EQ(shown.daybook, "");
}

TEST(MaskingTest, AnElementOfAListIsMaskedAsTheListIs) {
  EXPECT_THAT(MaskedValue("/*/aliases/*", "\"Secret\"", "\"secret\"").bos, Not(HasSubstr("Secret")));
  EXPECT_EQ(MaskedValue("/*/country_code", "\"ES\"", "\"FR\"").bos, "\"ES\"");
}

TEST(MaskingTest, HintsTellHowTheyDiffer) {
  EXPECT_EQ(MaskedValue("/*/name", "\"Ana\"", "\"ANA\"").hint, "only upper and lower case");
  EXPECT_EQ(MaskedValue("/*/name", "\"Ana B\"", "\"AnaB \"").hint, "only blanks");
  EXPECT_EQ(MaskedValue("/*/name", "\"Ana\"", "null").hint, "empty on one side");
  EXPECT_EQ(MaskedValue("/*/name", "\"Anna\"", "\"Anne B\"").hint, "from byte 4 on; 4 and 6 bytes");
}

TEST(MaskingTest, HeadersThatMatterAreShownAndOthersMasked) {
  const auto header = [](std::string name) {
    return Mask({Difference::Kind::kHeader, "header " + name, "header " + name, "", "\"Abc\"", ""}, MaskingRules()).bos;
  };
  EXPECT_EQ(header("X-Total-Count"), "\"Abc\"");
  EXPECT_THAT(header("Set-Cookie"), Not(HasSubstr("Abc")));
}

TEST(MaskingTest, BodiesThatAreNoJsonAreMaskedWhole) {
  const MaskedDifference shown =
      Mask({Difference::Kind::kText, "body", "body", "", "\"Dear Ana\"", "\"Ana,\""}, MaskingRules());
  EXPECT_THAT(shown.bos + shown.daybook, Not(HasSubstr("Ana")));
}

TEST(MaskingTest, ATargetShowsTheClientAndThePageOnly) {
  const std::string masked = MaskTarget("/client/beneficiaries?client_id=EBPCLI000042&iban=ES91%202100&page=2", 1);
  EXPECT_THAT(masked, StartsWith("/client/beneficiaries?client_id=EBPCLI000042&iban=XX99 9999 #"));
  EXPECT_THAT(masked, HasSubstr("&page=2"));
}

TEST(MaskingTest, LongTextsAreCutBetweenCharacters) {
  std::string object = "{\"detail\":\"";
  for (int i = 0; i < 3000; ++i) object += "é";
  object += "\"}";
  const MaskedDifference shown = Mask({Difference::Kind::kOnlyBos, "/x", "/x", "/x", object, ""}, MaskingRules());
  EXPECT_LE(shown.bos.size(), 2004);
  EXPECT_THAT(shown.bos, ::testing::EndsWith("é…"));
}

}  // namespace
}  // namespace beneficiary::switching
