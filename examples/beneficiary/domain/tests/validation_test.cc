#include "beneficiary/domain/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "beneficiary/domain/tests/builders.h"

namespace beneficiary {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

using State = Beneficiary::State;

// A registered business called Acme with no accounts, and `rest`.
State Acme(std::string_view rest = "") {
  return Make<State>("lifecycle: LIFECYCLE_REGISTERED details { name: 'Acme' type: ENTITY_TYPE_BUSINESS } " +
                     std::string(rest));
}

State AcmeWith(std::string_view account, std::string_view rest = "") {
  return Acme(Quoted("bank_accounts", "id: 'a' active: true " + std::string(account)) + std::string(rest));
}

// "pointer CODE" of each violation.
std::vector<std::string> Codes(const std::vector<daybook::Violation>& violations) {
  std::vector<std::string> out;
  for (const daybook::Violation& v : violations) {
    EXPECT_FALSE(v.detail.empty()) << v.pointer;
    out.push_back(v.pointer + " " + v.code);
  }
  return out;
}

std::vector<std::string> CodesOf(const State& s) { return Codes(Validate(s)); }

struct Case {
  const char* account;
  const char* rest;
  std::vector<std::string> want;  // below /bank_accounts/0 unless absolute
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    std::vector<std::string> want;
    for (const std::string& w : c.want) want.push_back(w[0] == '/' ? w : "/bank_accounts/0/" + w);
    std::vector<std::string> got = CodesOf(AcmeWith(c.account, c.rest));
    std::sort(want.begin(), want.end());
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, want) << c.account << " " << c.rest;
  }
}

TEST(ValidationTest, OneWithoutAccountsBreaksNothing) { EXPECT_THAT(CodesOf(Acme()), IsEmpty()); }

TEST(ValidationTest, OneThatIsNotRegisteredBreaksNothing) { EXPECT_THAT(CodesOf(State()), IsEmpty()); }

TEST(ValidationTest, SepaNeedsAnIbanOfTheBanksCountry) {
  Check({
      {"currency: 'EUR' iban: 'ES9121000418450200051332' bank { country_code: 'ES' }", "", {}},
      {"currency: 'EUR' iban: 'ES9121000418450200051332' swift_code: 'CAIXESBBXXX' bank { country_code: 'ES' }",
       "",
       {}},
      {"currency: 'EUR' iban: 'GB29NWBK60161331926819' bank { country_code: 'GB' }", "", {}},
      {"currency: 'EUR' iban: 'GB29NWBK60161331926819' bank { country_code: 'JE' }", "", {}},
      {"currency: 'EUR' bank { country_code: 'ES' }", "", {"iban REQUIRED"}},
      {"currency: 'EUR' iban: ' ' bank { country_code: 'ES' }", "", {"iban REQUIRED", "iban IBAN_FORMAT"}},
      {"currency: 'EUR' account_number: '1' swift_code: 'CAIXESBBXXX' bank { country_code: 'ES' }",
       "",
       {"iban REQUIRED"}},
      {"currency: 'EUR' iban: 'ES9221000418450200051332' bank { country_code: 'ES' }", "", {"iban IBAN_CHECKSUM"}},
      {"currency: 'EUR' iban: 'ES912100041845020005133' bank { country_code: 'ES' }", "", {"iban IBAN_LENGTH"}},
      {"currency: 'EUR' iban: 'es9121000418450200051332' bank { country_code: 'ES' }", "", {"iban IBAN_FORMAT"}},
      {"currency: 'EUR' iban: 'US9121000418450200051332' bank { country_code: 'ES' }",
       "",
       {"iban IBAN_COUNTRY_UNKNOWN"}},
      {"currency: 'EUR' iban: 'ES9121000418450200051332' bank { country_code: 'DE' }", "", {"iban IBAN_COUNTRY"}},
  });
}

TEST(ValidationTest, BritishPoundsNeedSortCodeAndAccountOrAnIban) {
  Check({
      {"currency: 'GBP' iban: 'GB29NWBK60161331926819' bank { country_code: 'GB' }", "", {}},
      {"currency: 'GBP' account_number: '31926819' bank_identifier: '601613' bank_identifier_type: 'sort_code' "
       "bank { country_code: 'GB' }",
       "",
       {}},
      {"currency: 'GBP' iban: 'ES9121000418450200051332' bank { country_code: 'GB' }", "", {"iban IBAN_COUNTRY"}},
      {"currency: 'GBP' bank { country_code: 'GB' }",
       "",
       {"account_number REQUIRED", "bank_identifier REQUIRED", "bank_identifier_type REQUIRED"}},
      {"currency: 'GBP' account_number: '3192681' bank_identifier: '60-16-13' bank_identifier_type: 'aba' "
       "bank { country_code: 'GB' }",
       "",
       {"account_number ACCOUNT_NUMBER_FORMAT", "bank_identifier SORT_CODE_FORMAT",
        "bank_identifier_type BANK_IDENTIFIER_TYPE"}},
      {"currency: 'GBP' iban: 'GB29NWBK60161331926819' account_number: 'x' bank { country_code: 'GB' }",
       "",
       {"account_number ACCOUNT_NUMBER_FORMAT"}},
  });
}

TEST(ValidationTest, UsDollarsNeedAnAbaNumberAndAnAccount) {
  Check({
      {"currency: 'USD' bank_identifier: '021000021' bank_identifier_type: 'aba' account_number: '0A9' "
       "bank { country_code: 'US' }",
       "",
       {}},
      {"currency: 'USD' bank_identifier: '021000022' bank_identifier_type: 'aba' account_number: '0A9' "
       "bank { country_code: 'US' }",
       "",
       {"bank_identifier ABA_CHECKSUM"}},
      {"currency: 'USD' bank_identifier: '02100002' bank_identifier_type: 'sort_code' account_number: '0a9' "
       "bank { country_code: 'US' }",
       "",
       {"bank_identifier ABA_FORMAT", "bank_identifier_type BANK_IDENTIFIER_TYPE",
        "account_number ACCOUNT_NUMBER_FORMAT"}},
      {"currency: 'USD' bank_identifier: '021000021' bank_identifier_type: 'aba' "
       "account_number: '123456789012345678' bank { country_code: 'US' }",
       "",
       {"account_number ACCOUNT_NUMBER_FORMAT"}},
      {"currency: 'USD' bank { country_code: 'US' }",
       "",
       {"bank_identifier REQUIRED", "bank_identifier_type REQUIRED", "account_number REQUIRED"}},
  });
}

TEST(ValidationTest, AustraliaCanadaAndNigeriaNeedAnAddress) {
  Check({
      {"currency: 'AUD' bank_identifier: '062000' bank_identifier_type: 'bsb' account_number: '1' "
       "bank { country_code: 'AU' }",
       "address { city: 'Perth' country_code: 'AU' }",
       {}},
      {"currency: 'AUD' bank_identifier: '062-000' bank_identifier_type: 'bsb' bank { country_code: 'AU' }",
       "",
       {"bank_identifier BSB_FORMAT", "account_number REQUIRED", "/address REQUIRED"}},
      {"currency: 'CAD' bank_identifier: '000300002' bank_identifier_type: 'transit' account_number: '1' "
       "bank { country_code: 'CA' }",
       "address { city: 'Regina' }",
       {}},
      {"currency: 'CAD' bank_identifier: '3' bank_identifier_type: 'transit' account_number: '1' "
       "bank { country_code: 'CA' }",
       "address { street_name: 'Main' }",
       {"bank_identifier TRANSIT_FORMAT", "/address/city REQUIRED"}},
      {"currency: 'NGN' account_number: '1' bank { country_code: 'NG' }", "address { city: 'Lagos' }", {}},
      {"currency: 'NGN' bank { country_code: 'NG' }", "address {}", {"account_number REQUIRED", "/address REQUIRED"}},
  });
}

TEST(ValidationTest, IndiaMexicoChinaAndTheEmiratesNeedWhatTheyNeed) {
  Check({
      {"currency: 'INR' bank_identifier: 'SBIN0005943' bank_identifier_type: 'ifsc' account_number: '1' "
       "bank { country_code: 'IN' }",
       "details { reason_for_trade: 'rent' }",
       {}},
      {"currency: 'INR' bank_identifier: 'SBIN1005943' bank_identifier_type: 'ifsc' bank { country_code: 'IN' }",
       "",
       {"bank_identifier IFSC_FORMAT", "account_number REQUIRED", "/reason_for_trade REQUIRED"}},
      {"currency: 'MXN' account_number: '032180000118359719' bank { country_code: 'MX' }", "", {}},
      {"currency: 'MXN' account_number: '032180000118359718' bank { country_code: 'MX' }",
       "",
       {"account_number CLABE_CHECKSUM"}},
      {"currency: 'MXN' account_number: '1' bank { country_code: 'MX' }", "", {"account_number CLABE_FORMAT"}},
      {"currency: 'MXN' bank { country_code: 'MX' }", "", {"account_number REQUIRED"}},
      {"currency: 'CNY' account_number: '1' bank { country_code: 'CN' }", "details { purpose_code: 'GDS' }", {}},
      {"currency: 'CNY' bank { country_code: 'CN' }", "", {"account_number REQUIRED", "/purpose_code REQUIRED"}},
      {"currency: 'AED' iban: 'AE070331234567890123456' bank { country_code: 'AE' }",
       "details { purpose_code: 'GDS' }",
       {}},
      {"currency: 'AED' bank { country_code: 'AE' }", "", {"iban REQUIRED", "/purpose_code REQUIRED"}},
  });
}

TEST(ValidationTest, AllOthersNeedSwiftAndAnAccount) {
  Check({
      {"currency: 'JPY' account_number: '1' swift_code: 'BOTKJPJT' bank { country_code: 'JP' }", "", {}},
      {"currency: 'CHF' iban: 'CH9300762011623852957' swift_code: 'UBSWCHZH' bank { country_code: 'CH' }", "", {}},
      {"currency: 'JPY' bank { country_code: 'JP' }", "", {"swift_code REQUIRED", "account_number REQUIRED"}},
      {"currency: 'USD' account_number: '1' bank { country_code: 'JP' }", "", {"swift_code REQUIRED"}},
      {"currency: 'JPY' account_number: '1' swift_code: 'BOTKJPJT' bank_identifier_type: 'zengin' "
       "bank { country_code: 'JP' }",
       "",
       {"bank_identifier_type BANK_IDENTIFIER_TYPE"}},
  });
}

TEST(ValidationTest, EveryBicHasItsFormAndTheBanksCountry) {
  Check({
      {"currency: 'EUR' iban: 'ES9121000418450200051332' swift_code: 'DEUTDEFF' bank { country_code: 'ES' }",
       "",
       {"swift_code BIC_COUNTRY"}},
      {"currency: 'EUR' iban: 'ES9121000418450200051332' swift_code: 'caixesbb' bank { country_code: 'ES' }",
       "",
       {"swift_code BIC_FORMAT"}},
      {"currency: 'EUR' iban: 'ES9121000418450200051332' correspondent_swift_code: 'DEUTDEFF' "
       "bank { country_code: 'ES' }",
       "",
       {}},
      {"currency: 'EUR' iban: 'ES9121000418450200051332' correspondent_swift_code: 'DEUT' "
       "bank { country_code: 'ES' }",
       "",
       {"correspondent/swift_code BIC_FORMAT"}},
  });
}

TEST(ValidationTest, TheCountryIsTheBanksElseTheIbansElseTheBics) {
  Check({
      {"currency: 'EUR' iban: 'ES9121000418450200051332'", "", {}},
      {"currency: 'USD' swift_code: 'CHASUS33' account_number: '1' bank_identifier: '021000021' "
       "bank_identifier_type: 'aba'",
       "",
       {}},
      {"currency: 'EUR' account_number: '1'", "", {"bank/country_code REQUIRED"}},
  });
}

TEST(ValidationTest, CurrencyAndCountriesHaveTheirForm) {
  Check({
      {"bank { country_code: 'ES' }", "", {"currency REQUIRED"}},
      {"currency: 'eur' bank { country_code: 'ES' }", "", {"currency CURRENCY_FORMAT"}},
      {"currency: 'EURO' bank { country_code: 'ES' }", "", {"currency CURRENCY_FORMAT", "currency VALUE_TOO_LONG"}},
      {"currency: 'XTS' account_number: '1' swift_code: 'BOTKJPJT' bank { country_code: 'UK' }",
       "",
       {"bank/country_code COUNTRY_CODE", "swift_code BIC_COUNTRY"}},
  });
  EXPECT_THAT(CodesOf(Acme("address { country_code: 'es' }")), ElementsAre("/address/country_code COUNTRY_CODE"));
}

TEST(ValidationTest, NamesAndAddressesStayInTheSwiftSet) {
  Check(
      {{"currency: 'EUR' iban: 'ES9121000418450200051332' account_holder: 'Pe\xC3\xB1"
        "a' account_number: '_' "
        "bank { name: 'A & B' address_line_1: '#1' country_code: 'ES' }",
        "details { name: 'A_B' reference_information: '\xE2\x82\xAC' } address { street_name: 'Stra\xC3\x9F"
        "e' }",
        {"/name NOT_SWIFT_X", "/address/street_name NOT_SWIFT_X", "account_holder NOT_SWIFT_X", "bank/name NOT_SWIFT_X",
         "bank/address_line_1 NOT_SWIFT_X"}}});
}

TEST(ValidationTest, NameAndTypeAreRequired) {
  EXPECT_THAT(CodesOf(Make<State>("lifecycle: LIFECYCLE_REGISTERED")), ElementsAre("/name REQUIRED", "/type REQUIRED"));
  EXPECT_THAT(CodesOf(Acme("details { name: ' \\t' }")), Contains("/name REQUIRED"));
}

TEST(ValidationTest, EveryTextHasTheLengthOfItsColumn) {
  struct {
    const char* format;  // with $ for the text
    std::size_t length_max;
    const char* pointer;
  } const kColumns[] = {
      {"details { name: '$' }", 140, "/name"},
      {"details { reference_information: '$' }", 140, "/reference_information"},
      {"details { reason_for_trade: '$' }", 64, "/reason_for_trade"},
      {"details { purpose_code: '$' }", 16, "/purpose_code"},
      {"address { address_line_1: '$' }", 140, "/address/address_line_1"},
      {"address { street_name: '$' }", 70, "/address/street_name"},
      {"address { building_number: '$' }", 16, "/address/building_number"},
      {"address { floor: '$' }", 16, "/address/floor"},
      {"address { apartment_office_number: '$' }", 16, "/address/apartment_office_number"},
      {"address { city: '$' }", 70, "/address/city"},
      {"address { state_region: '$' }", 70, "/address/state_region"},
      {"address { post_code: '$' }", 16, "/address/post_code"},
      {"regulatory { inn: '$' }", 12, "/regulatory/inn"},
      {"regulatory { kpp: '$' }", 9, "/regulatory/kpp"},
      {"regulatory { kio: '$' }", 5, "/regulatory/kio"},
      {"regulatory { kbk: '$' }", 20, "/regulatory/kbk"},
      {"regulatory { vo: '$' }", 8, "/regulatory/vo"},
      {"regulatory { russian_central_bank_account: '$' }", 34, "/regulatory/russian_central_bank_account"},
      {"aliases { alias: '$' }", 70, "/aliases/0"},
      {"bank_accounts { account_holder: '$' }", 140, "/bank_accounts/0/account_holder"},
      {"bank_accounts { account_number: '$' }", 34, "/bank_accounts/0/account_number"},
      {"bank_accounts { bank_identifier: '$' }", 32, "/bank_accounts/0/bank_identifier"},
      {"bank_accounts { iban: '$' }", 34, "/bank_accounts/0/iban"},
      {"bank_accounts { swift_code: '$' }", 11, "/bank_accounts/0/swift_code"},
      {"bank_accounts { correspondent_swift_code: '$' }", 11, "/bank_accounts/0/correspondent/swift_code"},
      {"bank_accounts { correspondent_account: '$' }", 34, "/bank_accounts/0/correspondent/account_number"},
      {"bank_accounts { bank { name: '$' } }", 140, "/bank_accounts/0/bank/name"},
      {"bank_accounts { bank { address_line_1: '$' } }", 140, "/bank_accounts/0/bank/address_line_1"},
  };
  const auto with = [](std::string_view format, const std::string& text) {
    std::string out(format);
    return Acme(out.replace(out.find('$'), 1, text));
  };
  const auto too_long = [](const char* pointer) { return std::string(pointer) + " VALUE_TOO_LONG"; };
  for (const auto& column : kColumns) {
    std::string wide;  // as many characters, twice as many bytes
    for (std::size_t i = 0; i < column.length_max; ++i) wide += "\xC3\xB1";
    EXPECT_THAT(CodesOf(with(column.format, wide)), Not(Contains(too_long(column.pointer)))) << column.format;
    EXPECT_THAT(CodesOf(with(column.format, wide + "n")), Contains(too_long(column.pointer))) << column.format;
  }
}

TEST(ValidationTest, EmailsAndAliasesAreJudgedOneByOne) {
  EXPECT_THAT(
      CodesOf(Acme("aliases { alias: 'a' } aliases { alias: ' ' } emails { email: 'a@b.c' } emails { email: '?' } "
                   "emails { email: '?' }")),
      ElementsAre("/aliases/1 REQUIRED", "/email_addresses/1 EMAIL_FORMAT", "/email_addresses/2 EMAIL_FORMAT"));
}

TEST(ValidationTest, ListsWithoutEndAreOneFinding) {
  State s = Acme();
  for (int i = 0; i < 1001; ++i) {
    s.add_aliases();
    s.add_emails();
    s.add_bank_accounts();
  }
  EXPECT_THAT(CodesOf(s), ElementsAre("/aliases TOO_MANY", "/email_addresses TOO_MANY", "/bank_accounts TOO_MANY"));
}

TEST(ValidationTest, WhatTwoAccountsNeedOfTheBeneficiaryIsMissingOnce) {
  const std::string account = "bank_accounts { currency: 'CNY' account_number: '1' bank { country_code: 'CN' } } ";
  EXPECT_THAT(CodesOf(Acme(account + account)), ElementsAre("/purpose_code REQUIRED"));
}

// ---- what a command introduces

TEST(IntroducedTest, OldViolationsStayAllowedWhereverTheyMove) {
  const State before = Acme(R"(bank_accounts { id: 'x' currency: 'EUR' iban: 'ES0000' bank { country_code: 'ES' } }
                               bank_accounts { id: 'y' currency: 'EUR' iban: 'ES0001' bank { country_code: 'ES' } }
                               emails { email: '1' } emails { email: '2' })");
  State after = before;
  after.mutable_bank_accounts()->erase(after.bank_accounts().begin());
  after.mutable_emails()->erase(after.emails().begin());
  EXPECT_THAT(Codes(IntroducedViolations(before, after)), IsEmpty());
}

TEST(IntroducedTest, TheSameRuleBrokenByAnotherValueIsNew) {
  const State before = AcmeWith("currency: 'EUR' iban: 'ES0000' bank { country_code: 'ES' }");
  const State after = AcmeWith("currency: 'EUR' iban: 'ES0001' bank { country_code: 'ES' }");
  EXPECT_THAT(Codes(IntroducedViolations(before, after)), ElementsAre("/bank_accounts/0/iban IBAN_LENGTH"));
}

TEST(IntroducedTest, TheSameBadValueOnceMoreIsNew) {
  const State before = Acme("emails { email: '1' }");
  const State after = Acme("emails { email: '1' } emails { email: '1' }");
  EXPECT_THAT(Codes(IntroducedViolations(before, after)), ElementsAre("/email_addresses/1 EMAIL_FORMAT"));
}

TEST(IntroducedTest, ARuleThatBeginsToApplyIsNew) {
  const State before = AcmeWith("currency: 'EUR' iban: 'ES9121000418450200051332' bank { country_code: 'ES' }");
  const State after = AcmeWith("currency: 'USD' iban: 'ES9121000418450200051332' bank { country_code: 'ES' }");
  EXPECT_THAT(Codes(IntroducedViolations(before, after)), ElementsAre("/bank_accounts/0/swift_code REQUIRED"));
}

TEST(IntroducedTest, EverythingIsNewInANewBeneficiary) {
  EXPECT_THAT(Codes(IntroducedViolations(State(), Acme("emails { email: '1' }"))),
              ElementsAre("/email_addresses/0 EMAIL_FORMAT"));
}

TEST(IntroducedTest, LegacyDataThatBreaksRulesStaysEditable) {
  auto legacy = RegisteredHere("emails { email: 'nobody' legacy_id: '1' }");
  legacy.mutable_details()->set_name(
      "Pe\xC3\xB1"
      "a");
  legacy.mutable_bank_accounts(0)->set_iban("ES0000");
  BeneficiarySpec()
      .Given(legacy)
      .When(Make<commands::v1::AmendBeneficiary>("reason_for_trade: 'rent'"))
      .ThenState([](const State& s) { return s.details().reason_for_trade() == "rent"; });
  BeneficiarySpec()
      .Given(legacy)
      .When(Make<commands::v1::AmendBankAccount>("account_id: 'a' account_holder: 'A'"))
      .ThenState([](const State& s) { return s.bank_accounts(0).account_holder() == "A"; });
  BeneficiarySpec()
      .Given(legacy)
      .When(Make<commands::v1::AmendBeneficiary>("name: 'A_B'"))
      .ThenRejected(Code::kInvalidArgument, "VALIDATION_FAILED", {"/name"});
}

// ---- requirements

TEST(RequirementsTest, AreTheRowOfTheTable) {
  EXPECT_THAT(Requirements("US", "USD", types::v1::ENTITY_TYPE_BUSINESS),
              UnorderedElementsAre(
                  Requirement{"/name", true, "", ""}, Requirement{"/type", true, "^(business|personal)$", ""},
                  Requirement{"/bank_accounts/0/currency", true, "^[A-Z]{3}$", ""},
                  Requirement{"/bank_accounts/0/bank/country_code", true, "^[A-Z]{2}$", ""},
                  Requirement{"/bank_accounts/0/bank_identifier", true, "^\\d{9}$", "aba"},
                  Requirement{"/bank_accounts/0/bank_identifier_type", true, "^aba$", ""},
                  Requirement{"/bank_accounts/0/account_number", true, "^[0-9A-Z]{1,17}$", ""},
                  Requirement{"/bank_accounts/0/swift_code", false, "^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$", "bic"}));
}

TEST(RequirementsTest, OthersGetTheRowForAllOthers) {
  const auto others = Requirements("JP", "JPY", types::v1::ENTITY_TYPE_PERSONAL);
  EXPECT_EQ(others, Requirements("ZZ", "", types::v1::ENTITY_TYPE_UNSPECIFIED));
  EXPECT_THAT(others,
              Contains(Requirement{"/bank_accounts/0/swift_code", true, "^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$", "bic"}));
}

TEST(RequirementsTest, WhatIsRequiredIsMissedWhenItIsNotThere) {
  struct {
    const char* country;
    const char* currency;
  } const kKeys[] = {{"ES", "EUR"}, {"GB", "GBP"}, {"US", "USD"}, {"AU", "AUD"}, {"CA", "CAD"}, {"IN", "INR"},
                     {"MX", "MXN"}, {"CN", "CNY"}, {"AE", "AED"}, {"NG", "NGN"}, {"JP", "JPY"}};
  for (const auto& key : kKeys) {
    const State empty =
        AcmeWith(std::string("currency: '") + key.currency + "' bank { country_code: '" + key.country + "' }");
    std::vector<std::string> missing;
    for (const daybook::Violation& v : Validate(empty)) missing.push_back(v.pointer);
    for (const Requirement& r : Requirements(key.country, key.currency, types::v1::ENTITY_TYPE_BUSINESS)) {
      const bool given = r.field == "/name" || r.field == "/type" || r.field.ends_with("/currency") ||
                         r.field.ends_with("/bank/country_code") || r.field == "/address/city";
      if (given) continue;
      EXPECT_EQ(std::count(missing.begin(), missing.end(), r.field), r.required ? 1 : 0) << key.country << r.field;
    }
  }
}

}  // namespace
}  // namespace beneficiary
