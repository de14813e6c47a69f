#include "beneficiary/api/write_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace beneficiary::api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> PlacesOf(const std::vector<daybook::Violation>& violations) {
  std::vector<std::string> out;
  for (const daybook::Violation& v : violations) out.push_back(v.pointer + " " + v.code);
  return out;
}

TEST(WriteBodyTest, ARegistrationTakesEveryWritableField) {
  const auto body = ReadRegister(R"({"name":"Acme","type":"business","aliases":["a","b"],"email_addresses":["x@y.z"],
      "email_notification":true,"address":{"city":"Madrid","floor":null},"reference_information":"Invoice",
      "reason_for_trade":"goods","purpose_code":"P1","regulatory":{"inn":"1"},
      "bank_accounts":[{"account_holder":"Acme","currency":"EUR","iban":"ES91","bank":{"name":"B","country_code":"ES"},
                        "correspondent":{"swift_code":"S","account_number":"N"},"default":true}]})");
  ASSERT_THAT(PlacesOf(body.malformed), IsEmpty());
  EXPECT_THAT(PlacesOf(body.broken_rules), IsEmpty());
  EXPECT_EQ(body.command.details().name(), "Acme");
  EXPECT_EQ(body.command.details().type(), types::v1::ENTITY_TYPE_BUSINESS);
  EXPECT_TRUE(body.command.details().email_notification());
  EXPECT_EQ(body.command.details().purpose_code(), "P1");
  EXPECT_EQ(body.command.address().city(), "Madrid");
  EXPECT_EQ(body.command.regulatory().inn(), "1");
  EXPECT_THAT(body.command.aliases(), ElementsAre("a", "b"));
  ASSERT_EQ(body.command.bank_accounts_size(), 1);
  EXPECT_EQ(body.command.bank_accounts(0).bank().country_code(), "ES");
  EXPECT_EQ(body.command.bank_accounts(0).correspondent_account(), "N");
  EXPECT_TRUE(body.command.bank_accounts(0).is_default());
}

TEST(WriteBodyTest, EveryWrongTypeAndUnknownFieldIsNamedAtOnceWithItsPointer) {
  const auto body = ReadRegister(R"({"name":5,"id":"x","type":"robot","aliases":"a","email_addresses":["ok",7],
      "email_notification":"yes","address":[],"regulatory":{"inn":true,"zzz":1},
      "bank_accounts":[{"iban":1,"bank":{"x/y~z":1}},"no"],"status":"active"})");
  EXPECT_THAT(
      PlacesOf(body.malformed),
      UnorderedElementsAre("/name WRONG_TYPE", "/id UNKNOWN_FIELD", "/type UNKNOWN_VALUE", "/aliases WRONG_TYPE",
                           "/email_addresses/1 WRONG_TYPE", "/email_notification WRONG_TYPE", "/address WRONG_TYPE",
                           "/regulatory/inn WRONG_TYPE", "/regulatory/zzz UNKNOWN_FIELD",
                           "/bank_accounts/0/iban WRONG_TYPE", "/bank_accounts/0/bank/x~1y~0z UNKNOWN_FIELD",
                           "/bank_accounts/1 WRONG_TYPE", "/status UNKNOWN_FIELD"));
}

TEST(WriteBodyTest, WhatIsNotJsonIsOneFindingThatSaysWhere) {
  for (const std::string text : {"", "{", "{\"name\":\"a\"} x", "{'name':1}", "{\"name\":\"\xff\"}", "nul",
                                 "{\"a\":\"\\ud800\"}", "{\"name\":\"a\",}"}) {
    const auto body = ReadRegister(text);
    EXPECT_THAT(PlacesOf(body.malformed), ElementsAre(" NOT_JSON")) << text;
  }
  EXPECT_THAT(PlacesOf(ReadRegister("[1]").malformed), ElementsAre(" WRONG_TYPE"));
  EXPECT_THAT(PlacesOf(ReadRegister("7").malformed), ElementsAre(" WRONG_TYPE"));
}

TEST(WriteBodyTest, AFieldGivenTwiceIsRefused) {
  EXPECT_THAT(PlacesOf(ReadAmend(R"({"name":"a","name":"b"})").malformed), ElementsAre(" DUPLICATE_FIELD"));
  EXPECT_THAT(PlacesOf(ReadAmend(R"({"address":{"city":"a","city":"a"}})").malformed), ElementsAre(" DUPLICATE_FIELD"));
  EXPECT_THAT(PlacesOf(ReadAmend(R"({"name":"a\":\\","reference_information":"::\u003a"})").malformed), IsEmpty());
}

TEST(WriteBodyTest, NestingIsBounded) {
  const auto body = ReadRegister(std::string(100000, '['));
  EXPECT_THAT(PlacesOf(body.malformed), ElementsAre(" NOT_JSON"));
}

TEST(WriteBodyTest, APatchChangesWhatItNamesAndClearsWhatIsNull) {
  const auto body = ReadAmend(R"({"name":"New","reference_information":null,"address":{"city":null,"floor":"3"},
      "regulatory":null,"email_addresses":[]})");
  ASSERT_THAT(PlacesOf(body.malformed), IsEmpty());
  EXPECT_EQ(body.command.name(), "New");
  EXPECT_TRUE(body.command.has_reference_information());
  EXPECT_EQ(body.command.reference_information(), "");
  EXPECT_FALSE(body.command.has_purpose_code());
  EXPECT_TRUE(body.command.address().has_city());
  EXPECT_EQ(body.command.address().floor(), "3");
  EXPECT_FALSE(body.command.address().has_post_code());
  EXPECT_TRUE(body.command.regulatory().remove());
  EXPECT_TRUE(body.command.has_email_addresses());
  EXPECT_FALSE(ReadAmend("{}").command.has_email_addresses());
  EXPECT_TRUE(ReadAmend(R"({"address":null})").command.address().remove());
  EXPECT_TRUE(ReadAmend(R"({"email_addresses":null})").command.has_email_addresses());
}

TEST(WriteBodyTest, NullOnNameTypeOrNotificationIsABrokenRule) {
  const auto body = ReadAmend(R"({"name":null,"type":null,"email_notification":null})");
  EXPECT_THAT(PlacesOf(body.malformed), IsEmpty());
  EXPECT_THAT(PlacesOf(body.broken_rules),
              ElementsAre("/name REQUIRED", "/type REQUIRED", "/email_notification REQUIRED"));
}

TEST(WriteBodyTest, APatchKnowsOnlyWhatItMayChange) {
  EXPECT_THAT(PlacesOf(ReadAmend(R"({"aliases":[],"bank_accounts":[],"version":1})").malformed),
              UnorderedElementsAre("/aliases UNKNOWN_FIELD", "/bank_accounts UNKNOWN_FIELD", "/version UNKNOWN_FIELD"));
}

TEST(WriteBodyTest, AnAccountPatchReachesIntoBankAndCorrespondent) {
  const auto body =
      ReadAmendBankAccount(R"({"bank":{"name":"B"},"correspondent":null,"status":"inactive","iban":null})");
  ASSERT_THAT(PlacesOf(body.malformed), IsEmpty());
  EXPECT_EQ(body.command.bank_name(), "B");
  EXPECT_FALSE(body.command.has_bank_country_code());
  EXPECT_TRUE(body.command.has_correspondent_swift_code());
  EXPECT_TRUE(body.command.has_correspondent_account());
  EXPECT_TRUE(body.command.has_active());
  EXPECT_FALSE(body.command.active());
  EXPECT_EQ(body.command.iban(), "");
  EXPECT_THAT(PlacesOf(ReadAmendBankAccount(R"({"status":"gone","default":true})").malformed),
              UnorderedElementsAre("/status UNKNOWN_VALUE", "/default UNKNOWN_FIELD"));
  EXPECT_THAT(PlacesOf(ReadAmendBankAccount(R"({"status":null})").broken_rules), ElementsAre("/status REQUIRED"));
}

TEST(WriteBodyTest, AScreeningResultNeedsAStatusAndReadsTheTime) {
  const auto body = ReadScreeningResult(R"({"status":"clear","checked_at":"2026-01-02T03:04:05+01:00"})");
  ASSERT_THAT(PlacesOf(body.malformed), IsEmpty());
  EXPECT_EQ(body.command.status(), types::v1::SCREENING_STATUS_CLEAR);
  EXPECT_EQ(body.command.checked_at_us(), 1767319445000000);
  EXPECT_THAT(PlacesOf(ReadScreeningResult("{}").broken_rules), ElementsAre("/status REQUIRED"));
  EXPECT_THAT(PlacesOf(ReadScreeningResult(R"({"status":"x","checked_at":"soon"})").malformed),
              UnorderedElementsAre("/status UNKNOWN_VALUE", "/checked_at NOT_A_TIME"));
}

TEST(WriteBodyTest, TheCanonicalTextDoesNotDependOnSpelling) {
  const auto a = ReadAmend(R"({"name":"\u00e9\/","purpose_code":null})");
  const auto b = ReadAmend("  {\"purpose_code\" : null,\n\"name\":\"\xc3\xa9/\"} ");
  EXPECT_EQ(a.canonical, b.canonical);
  EXPECT_EQ(a.canonical, "{\"name\":\"\xc3\xa9/\",\"purpose_code\":null}");
  EXPECT_NE(ReadAmend("{}").canonical, a.canonical);
}

TEST(WriteBodyTest, NothingIsNoBodyOrAnEmptyObject) {
  EXPECT_THAT(PlacesOf(ReadNothing("").malformed), IsEmpty());
  EXPECT_THAT(PlacesOf(ReadNothing(" {} ").malformed), IsEmpty());
  EXPECT_THAT(PlacesOf(ReadNothing(R"({"a":1})").malformed), ElementsAre("/a UNKNOWN_FIELD"));
}

}  // namespace
}  // namespace beneficiary::api
