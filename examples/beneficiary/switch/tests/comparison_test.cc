#include "beneficiary/switch/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"

namespace beneficiary::switching {
namespace {

namespace http = daybook::http;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using Kind = Difference::Kind;

http::ClientResponse Answer(std::string body, http::HeaderList headers = {}) {
  return {http::StatusCode::kOk, std::move(headers), std::move(body)};
}

Comparison CompareBodies(std::string bos, std::string daybook, const ComparisonRules& rules = {}) {
  return Compare(Answer(std::move(bos)), Answer(std::move(daybook)), rules);
}

// "kind place: bos | daybook" of each difference.
std::vector<std::string> Told(const std::vector<Difference>& differences) {
  std::vector<std::string> told;
  for (const Difference& d : differences) {
    told.push_back(absl::StrCat(std::string(KindName(d.kind)), " ", d.place, ": ", d.bos, " | ", d.daybook));
  }
  return told;
}

TEST(ComparisonTest, EqualBytesAreEqualWhateverTheyAre) {
  EXPECT_TRUE(CompareBodies("", "").equal());
  EXPECT_TRUE(CompareBodies("\xff no json", "\xff no json").equal());
  EXPECT_TRUE(CompareBodies("[{\"a\":1}]", "[{\"a\":1}]").equal());
}

TEST(ComparisonTest, AnotherStatusIsTheOnlyDifferenceTold) {
  http::ClientResponse bos = Answer("[1]");
  http::ClientResponse daybook = Answer("[2]");
  daybook.status = http::StatusCode::kNotFound;
  EXPECT_THAT(Told(Compare(bos, daybook, {}).differences), ElementsAre("status status: 200 | 404"));
}

TEST(ComparisonTest, TheHeadersThatMatterAreComparedAndNoOthers) {
  const auto bos = Answer("[]", {{"X-Total-Count", "3"}, {"x-page", "1"}, {"Server", "gunicorn"}});
  const auto daybook = Answer("[]", {{"X-Total-Count", "4"}, {"X-Page", "1"}, {"X-Page-Size", "50"}, {"Via", "x"}});
  EXPECT_THAT(Told(Compare(bos, daybook, {}).differences),
              ElementsAre("header header X-Total-Count: \"3\" | \"4\"", "header header X-Page-Size:  | \"50\""));
}

TEST(ComparisonTest, ValuesAreNamedByPointerPlaceAndPattern) {
  const Comparison found = CompareBodies(R"([{"beneficiary_id":"7","address":{"city":"Oslo"}}])",
                                         R"([{"beneficiary_id":"7","address":{"city":"Rome"}}])");
  ASSERT_EQ(found.differences.size(), 1);
  const Difference& difference = found.differences.front();
  EXPECT_EQ(difference.kind, Kind::kValue);
  EXPECT_EQ(difference.pointer, "/0/address/city");
  EXPECT_EQ(difference.place, "/beneficiary_id=7/address/city");
  EXPECT_EQ(difference.pattern, "/*/address/city");
  EXPECT_EQ(difference.bos, "\"Oslo\"");
  EXPECT_EQ(difference.daybook, "\"Rome\"");
}

TEST(ComparisonTest, ANameWithASlashIsEscaped) {
  const Comparison found = CompareBodies(R"({"a/b~c":1})", R"({"a/b~c":2})");
  EXPECT_EQ(found.differences.at(0).pointer, "/a~1b~0c");
}

TEST(ComparisonTest, KindsOfValuesDiffer) {
  EXPECT_THAT(Told(CompareBodies(R"({"a":"1","b":null,"c":true})", R"({"a":1,"b":"","c":false})").differences),
              ElementsAre("value /a: \"1\" | 1", "value /b: null | \"\"", "value /c: true | false"));
}

TEST(ComparisonTest, AMissingElementIsOneDifferenceNotOneForEachBehindIt) {
  const Comparison found = CompareBodies(R"([{"beneficiary_id":"1"},{"beneficiary_id":"2"},{"beneficiary_id":"3"}])",
                                         R"([{"beneficiary_id":"2"},{"beneficiary_id":"3"},{"beneficiary_id":"4"}])");
  EXPECT_THAT(Told(found.differences), ElementsAre("only_bos /beneficiary_id=1: {\"beneficiary_id\":\"1\"} | ",
                                                   "only_daybook /beneficiary_id=4:  | {\"beneficiary_id\":\"4\"}"));
  EXPECT_EQ(found.differences[0].pointer, "/0");
  EXPECT_EQ(found.differences[1].pointer, "/2");
}

TEST(ComparisonTest, AnArrayWithoutIdentitiesOrWithEqualOnesIsComparedByIndex) {
  EXPECT_THAT(Told(CompareBodies(R"(["a","b"])", R"(["a","c","d"])").differences),
              ElementsAre("value /1: \"b\" | \"c\"", "only_daybook /2:  | \"d\""));
  EXPECT_THAT(
      Told(CompareBodies(R"([{"account_id":1},{"account_id":1,"x":1}])", R"([{"account_id":1},{"account_id":1,"x":2}])")
               .differences),
      ElementsAre("value /1/x: 1 | 2"));
}

TEST(ComparisonTest, TheOrderOfElementsAndOfMembersMatters) {
  EXPECT_THAT(Told(CompareBodies(R"([{"beneficiary_id":1},{"beneficiary_id":2}])",
                                 R"([{"beneficiary_id":2},{"beneficiary_id":1}])")
                       .differences),
              ElementsAre("order : [\"beneficiary_id=1\",\"beneficiary_id=2\"] | "
                          "[\"beneficiary_id=2\",\"beneficiary_id=1\"]"));
  EXPECT_THAT(Told(CompareBodies(R"({"a":1,"b":2})", R"({"b":2,"a":1})").differences),
              ElementsAre("order : [\"a\",\"b\"] | [\"b\",\"a\"]"));
}

TEST(ComparisonTest, EqualValuesWrittenDifferentlyAreADifferenceOfText) {
  for (const auto& [bos, daybook] :
       std::vector<std::pair<std::string, std::string>>{{"[1,2]", "[1, 2]"},
                                                        {R"(["é"])", R"(["\u00e9"])"},
                                                        {"[1.0]", "[1.00]"},
                                                        {"{\"a\":1,\"a\":1}", "{\"a\":1}"}}) {
    const Comparison found = CompareBodies(bos, daybook);
    ASSERT_EQ(found.differences.size(), 1) << bos;
    EXPECT_EQ(found.differences[0].kind, Kind::kText);
    EXPECT_EQ(found.differences[0].place, "body");
  }
}

TEST(ComparisonTest, WhatIsNoJsonIsComparedAsText) {
  const std::string deep(200, '[');
  EXPECT_EQ(CompareBodies("<html>", "[]").differences.at(0).kind, Kind::kText);
  EXPECT_EQ(CompareBodies(deep, deep + "[").differences.at(0).kind, Kind::kText);
}

TEST(ComparisonTest, IgnoredPointersCoverAllBelowThem) {
  ComparisonRules rules;
  rules.ignored = {"/*/aliases", "/*/bank_accounts/*/bank_name", "/0/name"};
  const Comparison found = CompareBodies(
      R"([{"name":"A","aliases":["x"],"bank_accounts":[{"bank_name":"B","iban":"1"}]},{"name":"C"}])",
      R"([{"name":"a","aliases":["y","z"],"bank_accounts":[{"bank_name":"b","iban":"2"}]},{"name":"c"}])", rules);
  EXPECT_THAT(Told(found.differences),
              ElementsAre("value /0/bank_accounts/0/iban: \"1\" | \"2\"", "value /1/name: \"C\" | \"c\""));
  EXPECT_GT(found.values_ignored, 0);
  EXPECT_TRUE(CompareBodies(R"([{"aliases":["x"]}])", R"([{"aliases":[]}])", rules).equal());
  EXPECT_FALSE(CompareBodies(R"([{"alias":["x"]}])", R"([{"alias":[]}])", rules).equal());
}

TEST(ComparisonTest, MoreDifferencesThanTheLimitAreCountedOnly) {
  ComparisonRules rules;
  rules.differences_max = 2;
  const Comparison found = CompareBodies("[1,2,3,4,5]", "[6,7,8,9,10]", rules);
  EXPECT_EQ(found.differences.size(), 2);
  EXPECT_EQ(found.differences_left_out, 3);
}

// Changes one byte of a page in every way: equal is told only of equal bytes.
TEST(ComparisonTest, AnyChangedByteIsADifference) {
  const std::string page = R"([{"beneficiary_id":"1","name":"Ana","aliases":["a","b"],"active":true,"n":12.50}])";
  const auto seed = std::random_device()();
  std::mt19937_64 random(seed);
  for (int i = 0; i < 5000; ++i) {
    std::string other = page;
    other[random() % other.size()] = static_cast<char>(random() % 256);
    EXPECT_EQ(CompareBodies(page, other).equal(), page == other) << other << " seed " << seed;
  }
}

class SettlementTest : public ::testing::Test {
 protected:
  static Comparison Between(std::string bos, std::string daybook) {
    return CompareBodies(std::move(bos), std::move(daybook));
  }
};

TEST_F(SettlementTest, WhatAgreesAfterwardsWasLag) {
  Settlement settlement(Between(R"({"a":2,"b":2})", R"({"a":1,"b":1})"));
  EXPECT_FALSE(settlement.Check(Between(R"({"a":2,"b":2})", R"({"a":2,"b":1})")));
  EXPECT_THAT(Told(settlement.open()), ElementsAre("value /b: 2 | 1"));
  EXPECT_TRUE(settlement.Check(Between(R"({"a":2,"b":2})", R"({"a":2,"b":2})")));
}

TEST_F(SettlementTest, DaybookThatShowsWhatBosShowedBeforeHasCaughtUpAlthoughBosHasMovedOn) {
  Settlement settlement(Between(R"({"a":2})", R"({"a":1})"));
  EXPECT_FALSE(settlement.Check(Between(R"({"a":3})", R"({"a":1})")));
  EXPECT_TRUE(settlement.Check(Between(R"({"a":4})", R"({"a":3})")));
}

TEST_F(SettlementTest, DaybookThatStandsStillHasNotCaughtUpHoweverBosMoves) {
  Settlement settlement(Between(R"({"a":2})", R"({"a":1})"));
  for (int i = 3; i < 20; ++i) {
    EXPECT_FALSE(settlement.Check(Between(absl::StrCat("{\"a\":", i, "}"), R"({"a":1})")));
  }
  EXPECT_THAT(Told(settlement.open()), ElementsAre("value /a: 19 | 1"));
}

TEST_F(SettlementTest, AWrongValueThatMovesAlongStaysADifference) {
  Settlement settlement(Between(R"({"a":"2"})", R"({"a":2})"));
  EXPECT_FALSE(settlement.Check(Between(R"({"a":"3"})", R"({"a":3})")));
  EXPECT_FALSE(settlement.Check(Between(R"({"a":"4"})", R"({"a":4})")));
}

TEST_F(SettlementTest, YoungerDifferencesDoNotCount) {
  Settlement settlement(Between(R"({"a":2,"b":1})", R"({"a":1,"b":1})"));
  EXPECT_TRUE(settlement.Check(Between(R"({"a":2,"b":2})", R"({"a":2,"b":1})")));
}

TEST_F(SettlementTest, AnElementThatArrivesWrongIsStillADifference) {
  Settlement settlement(Between(R"([{"beneficiary_id":"1","name":"A"}])", "[]"));
  EXPECT_FALSE(
      settlement.Check(Between(R"([{"beneficiary_id":"1","name":"A"}])", R"([{"beneficiary_id":"1","name":"B"}])")));
  EXPECT_THAT(Told(settlement.open()), ElementsAre("value /beneficiary_id=1/name: \"A\" | \"B\""));
  EXPECT_TRUE(
      settlement.Check(Between(R"([{"beneficiary_id":"1","name":"A"}])", R"([{"beneficiary_id":"1","name":"A"}])")));
}

TEST_F(SettlementTest, AnErrorInBetweenSettlesNothing) {
  Settlement settlement(Between(R"({"a":2})", R"({"a":1})"));
  http::ClientResponse broken = Answer("");
  broken.status = http::StatusCode::kServiceUnavailable;
  EXPECT_FALSE(settlement.Check(Compare(Answer(R"({"a":2})"), broken, {})));
  EXPECT_THAT(Told(settlement.open()), ElementsAre("value /a: 2 | 1"));
  EXPECT_TRUE(settlement.Check(Between(R"({"a":2})", R"({"a":2})")));
}

TEST_F(SettlementTest, AStatusThatComesRightWasLag) {
  http::ClientResponse missing = Answer(R"({"detail":"No Client matches the given query."})");
  missing.status = http::StatusCode::kNotFound;
  Settlement settlement(Compare(Answer("[]"), missing, {}));
  EXPECT_FALSE(settlement.Check(Compare(Answer("[]"), missing, {})));
  EXPECT_TRUE(settlement.Check(Compare(Answer("[]"), Answer("[]"), {})));
}

}  // namespace
}  // namespace beneficiary::switching
