#include "beneficiary/domain/checks.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

namespace beneficiary {
namespace {

// The electronic-format example that the IBAN registry prints for each country.
constexpr std::string_view kRegistryExamples[] = {
    "AD1200012030200359100100",
    "AE070331234567890123456",
    "AL47212110090000000235698741",
    "AT611904300234573201",
    "AZ21NABZ00000000137010001944",
    "BA391290079401028494",
    "BE68539007547034",
    "BG80BNBG96611020345678",
    "BH67BMAG00001299123456",
    "BI4210000100010000332045181",
    "BR1800360305000010009795493C1",
    "BY13NBRB3600900000002Z00AB00",
    "CH9300762011623852957",
    "CR05015202001026284066",
    "CY17002001280000001200527600",
    "CZ6508000000192000145399",
    "DE89370400440532013000",
    "DJ2100010000000154000100186",
    "DK5000400440116243",
    "DO28BAGR00000001212453611324",
    "EE382200221020145685",
    "EG380019000500000000263180002",
    "ES9121000418450200051332",
    "FI2112345600000785",
    "FK88SC123456789012",
    "FO6264600001631634",
    "FR1420041010050500013M02606",
    "GB29NWBK60161331926819",
    "GE29NB0000000101904917",
    "GI75NWBK000000007099453",
    "GL8964710001000206",
    "GR1601101250000000012300695",
    "GT82TRAJ01020000001210029690",
    "HN88CABF00000000000250005469",
    "HR1210010051863000160",
    "HU42117730161111101800000000",
    "IE29AIBK93115212345678",
    "IL620108000000099999999",
    "IQ98NBIQ850123456789012",
    "IS140159260076545510730339",
    "IT60X0542811101000000123456",
    "JO94CBJO0010000000000131000302",
    "KW81CBKU0000000000001234560101",
    "KZ86125KZT5004100100",
    "LB62099900000001001901229114",
    "LC55HEMM000100010012001200023015",
    "LI21088100002324013AA",
    "LT121000011101001000",
    "LU280019400644750000",
    "LV80BANK0000435195001",
    "LY83002048000020100120361",
    "MC5811222000010123456789030",
    "MD24AG000225100013104168",
    "ME25505000012345678951",
    "MK07250120000058984",
    "MN121234123456789123",
    "MR1300020001010000123456753",
    "MT84MALT011000012345MTLCAST001S",
    "MU17BOMM0101101030300200000MUR",
    "NI45BAPR00000013000003558124",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "OM810180000001299123456",
    "PK36SCBL0000001123456702",
    "PL61109010140000071219812874",
    "PS92PALS000000000400123456702",
    "PT50000201231234567890154",
    "QA58DOHB00001234567890ABCDEFG",
    "RO49AAAA1B31007593840000",
    "RS35260005601001611379",
    "RU0304452522540817810538091310419",
    "SA0380000000608010167519",
    "SC18SSCB11010000000000001497USD",
    "SD2129010501234001",
    "SE4550000000058398257466",
    "SI56263300012039086",
    "SK3112000000198742637541",
    "SM86U0322509800000000270100",
    "SO211000001001000100141",
    "ST23000100010051845310146",
    "SV62CENR00000000000000700025",
    "TL380080012345678910157",
    "TN5910006035183598478831",
    "TR330006100519786457841326",
    "UA213223130000026007233566001",
    "VA59001123000012345678",
    "VG96VPVG0000012345678901",
    "XK051212012345678906",
    "YE15CBYE0001018861234567891234",
};

TEST(IbanTest, EveryRegistryExampleIsAnIban) {
  for (const std::string_view iban : kRegistryExamples) {
    EXPECT_EQ(CheckIban(iban), IbanFault::kNone) << std::string(iban);
  }
}

TEST(IbanTest, TheExamplesCoverEveryCountryOfSepa) {
  std::set<std::string_view> countries;
  for (const std::string_view iban : kRegistryExamples) countries.insert(iban.substr(0, 2));
  for (const char* country : {"AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR",
                              "GB", "GI", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD",
                              "ME", "MK", "MT", "NL", "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA"}) {
    EXPECT_TRUE(countries.count(country) == 1) << country;
  }
}

TEST(IbanTest, EverySingleChangedDigitIsFound) {
  for (const std::string_view iban : kRegistryExamples) {
    for (std::size_t i = 2; i < iban.size(); ++i) {
      if (iban[i] < '0' || iban[i] > '9') continue;
      std::string wrong(iban);
      wrong[i] = wrong[i] == '9' ? '0' : static_cast<char>(wrong[i] + 1);
      EXPECT_EQ(CheckIban(wrong), IbanFault::kChecksum) << wrong;
    }
  }
}

TEST(IbanTest, EveryOtherLengthIsFound) {
  for (const std::string_view iban : kRegistryExamples) {
    EXPECT_EQ(CheckIban(iban.substr(0, iban.size() - 1)), IbanFault::kLength) << std::string(iban);
    EXPECT_EQ(CheckIban(std::string(iban) + "0"), IbanFault::kLength) << std::string(iban);
  }
}

TEST(IbanTest, TheFaultIsNamed) {
  EXPECT_EQ(CheckIban(""), IbanFault::kFormat);
  EXPECT_EQ(CheckIban("ES"), IbanFault::kFormat);
  EXPECT_EQ(CheckIban("es9121000418450200051332"), IbanFault::kFormat);
  EXPECT_EQ(CheckIban("ES91 2100 0418 4502 0005 1332"), IbanFault::kFormat);
  EXPECT_EQ(CheckIban("9121000418450200051332ES"), IbanFault::kFormat);
  EXPECT_EQ(CheckIban(std::string(5000, '1')), IbanFault::kFormat);
  EXPECT_EQ(CheckIban("US9121000418450200051332"), IbanFault::kCountry);
  EXPECT_EQ(CheckIban("ES912100041845020005133"), IbanFault::kLength);
  EXPECT_EQ(CheckIban("ES9221000418450200051332"), IbanFault::kChecksum);
}

TEST(IbanTest, TheIbansOfACountryServeItsTerritories) {
  EXPECT_TRUE(IbanIsOfCountry("GB29NWBK60161331926819", "GB"));
  EXPECT_TRUE(IbanIsOfCountry("GB29NWBK60161331926819", "JE"));
  EXPECT_TRUE(IbanIsOfCountry("FR1420041010050500013M02606", "RE"));
  EXPECT_TRUE(IbanIsOfCountry("FI2112345600000785", "AX"));
  EXPECT_FALSE(IbanIsOfCountry("GB29NWBK60161331926819", "IE"));
  EXPECT_FALSE(IbanIsOfCountry("ES9121000418450200051332", "PT"));
  EXPECT_FALSE(IbanIsOfCountry("FR1420041010050500013M02606", ""));
}

TEST(BicTest, EightOrElevenWithSixLettersFirst) {
  for (const char* bic : {"DEUTDEFF", "DEUTDEFF500", "CAIXESBBXXX", "NEDSZAJJXXX", "MIDLGB22"}) {
    EXPECT_TRUE(IsBic(bic)) << bic;
  }
  for (const char* bic : {"", "DEUTDEF", "DEUTDEFF5", "DEUTDEFF50", "DEUTDEFF5000", "deutdeff", "A1B2C3D4", "DEUT1EFF",
                          "DEUTDEF ", "DEUTDEFF50-"}) {
    EXPECT_FALSE(IsBic(bic)) << bic;
  }
  EXPECT_EQ(CountryOfBic("DEUTDEFF500"), "DE");
}

TEST(AbaTest, RealRoutingNumbersPass) {
  for (const char* aba : {"021000021", "026009593", "091000019", "111000025", "121000248", "121000358", "122105155",
                          "082000549", "011401533", "322271627", "124003116", "061000104"}) {
    EXPECT_TRUE(IsAba(aba)) << aba;
  }
}

TEST(AbaTest, AWrongDigitLengthOrCharacterFails) {
  for (const char* aba : {"021000022", "121000284", "02100002", "0210000210", "02100002A", "", "021 00021"}) {
    EXPECT_FALSE(IsAba(aba)) << aba;
  }
}

TEST(ClabeTest, PublishedExamplesPass) {
  for (const char* clabe : {"032180000118359719", "002010077777777771"}) EXPECT_TRUE(IsClabe(clabe)) << clabe;
}

TEST(ClabeTest, EveryChangedDigitFails) {
  const std::string clabe = "032180000118359719";
  for (std::size_t i = 0; i < clabe.size(); ++i) {
    std::string wrong = clabe;
    wrong[i] = wrong[i] == '9' ? '0' : static_cast<char>(wrong[i] + 1);
    EXPECT_FALSE(IsClabe(wrong)) << wrong;
  }
  EXPECT_FALSE(IsClabe("03218000011835971"));
  EXPECT_FALSE(IsClabe("0321800001183597199"));
}

TEST(NationalCodesTest, TheirFormsAreChecked) {
  EXPECT_TRUE(IsSortCode("601613"));
  EXPECT_FALSE(IsSortCode("60-16-13"));
  EXPECT_FALSE(IsSortCode("6016130"));
  EXPECT_TRUE(IsBsb("062000"));
  EXPECT_FALSE(IsBsb("062-000"));
  EXPECT_TRUE(IsTransit("000300002"));
  EXPECT_FALSE(IsTransit("00300002"));
  for (const char* ifsc : {"SBIN0005943", "HDFC0000001", "ICIC0000104", "KKBK0RTGSMI"})
    EXPECT_TRUE(IsIfsc(ifsc)) << ifsc;
  for (const char* ifsc : {"SBIN1005943", "SBIN000594", "SBIN00059433", "sbin0005943", "SB1N0005943", ""}) {
    EXPECT_FALSE(IsIfsc(ifsc)) << ifsc;
  }
}

TEST(EmailTest, ReasonableAddressesPass) {
  for (const char* email : {"ap@acme.es", "first.last+tag@sub.example.co.uk", "o'brien@example.com",
                            "x@b\xC3\xBC"
                            "cher.de",
                            "user_1@ex-ample.com", "a@b.c"}) {
    EXPECT_TRUE(IsEmailAddress(email)) << email;
  }
}

TEST(EmailTest, OthersFail) {
  for (const char* email : {"", "@", "a@", "@b.c", "a@b", "a b@c.d", "a@b .c", "a@b..c", "a@.b.c", "a@b.c.", ".a@b.c",
                            "a.@b.c", "a..b@c.d", "a@-b.c", "a@b-.c", "a@b@c.d", "a@b.c\n", "a<b>@c.d", "a,b@c.d"}) {
    EXPECT_FALSE(IsEmailAddress(email)) << email;
  }
  EXPECT_FALSE(IsEmailAddress(std::string(65, 'a') + "@b.c"));
  EXPECT_FALSE(IsEmailAddress("a@" + std::string(64, 'b') + ".c"));
}

TEST(SwiftXTest, OnlyItsCharactersPass) {
  EXPECT_TRUE(IsSwiftX("Acme (Iberia) S.L., c/o O'Hara + Sons: 7-9?"));
  for (const char* text : {"Pe\xC3\xB1"
                           "a",
                           "a&b", "a_b", "a\nb", "a\"b", "a#b", "a;b", "\xF0\x9F\x8F\xA6"}) {
    EXPECT_FALSE(IsSwiftX(text)) << text;
  }
}

TEST(CodesTest, CountriesAreIsoAndCurrenciesAreShaped) {
  for (const char* code : {"AD", "ES", "GB", "XK", "ZW"}) EXPECT_TRUE(IsCountryCode(code)) << code;
  for (const char* code : {"", "E", "es", "UK", "XX", "ESP", "ZZ", "AN"}) EXPECT_FALSE(IsCountryCode(code)) << code;
  EXPECT_TRUE(HasCurrencyShape("EUR"));
  for (const char* code : {"", "EU", "eur", "EURO", "E1R"}) EXPECT_FALSE(HasCurrencyShape(code)) << code;
}

TEST(CodesTest, AClientIdIsAPrefixAndSixDigits) {
  EXPECT_TRUE(IsClientId("EBPCLI285749"));
  for (const char* id :
       {"", "EBPCLI", "EBPCLI28574", "EBPCLI2857490", "ebpcli285749", "EBPCLI28574x", "XBPCLI285749"}) {
    EXPECT_FALSE(IsClientId(id)) << id;
  }
}

TEST(CharactersTest, AreCountedAsCodePoints) {
  EXPECT_EQ(CountCharacters(""), 0u);
  EXPECT_EQ(CountCharacters("abc"), 3u);
  EXPECT_EQ(CountCharacters("\xC3\xB1\xE5\x8C\x97\xF0\x9F\x8F\xA6"), 3u);
}

TEST(PatternTest, TheDialectMatchesWhole) {
  EXPECT_TRUE(MatchesPattern("^\\d{6}$", "123456"));
  EXPECT_FALSE(MatchesPattern("^\\d{6}$", "12345"));
  EXPECT_FALSE(MatchesPattern("^\\d{6}$", "1234567"));
  EXPECT_TRUE(MatchesPattern("^[0-9A-Z]{1,17}$", "0"));
  EXPECT_TRUE(MatchesPattern("^[0-9A-Z]{1,17}$", "0123456789ABCDEFG"));
  EXPECT_FALSE(MatchesPattern("^[0-9A-Z]{1,17}$", "0123456789ABCDEFGH"));
  EXPECT_FALSE(MatchesPattern("^[0-9A-Z]{1,17}$", ""));
  EXPECT_FALSE(MatchesPattern("^[0-9A-Z]{1,17}$", "a"));
  EXPECT_TRUE(MatchesPattern("^[A-Z]{4}0[A-Z0-9]{6}$", "SBIN0005943"));
  EXPECT_TRUE(MatchesPattern("^\\d{0,3}\\d{2}$", "123"));
  EXPECT_TRUE(MatchesPattern("^sort_code$", "sort_code"));
  EXPECT_FALSE(MatchesPattern("^sort_code$", "sort_codes"));
}

TEST(PatternTest, WhatTheDialectLacksMatchesNothing) {
  for (const char* pattern : {"", "^", "a", "^a*$", "^(a)$", "^[a$", "^a{$", "^a{1$", "^a{1,$", "^\\w$", "^.$"}) {
    EXPECT_FALSE(MatchesPattern(pattern, "a")) << pattern;
  }
}

}  // namespace
}  // namespace beneficiary
