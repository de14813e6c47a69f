#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "beneficiary/api/identifiers.h"
#include "tests/api/api_fixture.h"

namespace beneficiary {
namespace {

using ReadsTest = ApiTest;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

TEST_F(ReadsTest, AnUnknownBeneficiaryIs404AsAProblem) {
  for (const std::string id : {"157402e8-078d-5764-bea8-198235e56fd6", "nonsense"}) {
    const Reply reply = Get("/v1/beneficiaries/" + id);
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.Header("Content-Type"), "application/problem+json");
    EXPECT_EQ(At(reply.body, "/status"), "404");
    EXPECT_EQ(At(reply.body, "/instance"), "\"/v1/beneficiaries/" + id + "\"");
    EXPECT_EQ(Get("/v1/beneficiaries/" + id + "/validation").status, 404);
  }
  EXPECT_EQ(Get("/v1/operations/nonsense").status, 404);
  EXPECT_EQ(Get("/v1/operations/0-157402e8-078d-5764-bea8-198235e56fd6").status, 404);
}

TEST_F(ReadsTest, ATagThatStillHoldsIs304WithoutABody) {
  const std::string path = Create();
  const Reply same = Get(path, {{"If-None-Match", "\"1\""}});
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.Header("ETag"), "\"1\"");
  EXPECT_EQ(Get(path, {{"If-None-Match", "W/\"1\", \"5\""}}).status, 304);
  EXPECT_EQ(Get(path, {{"If-None-Match", "*"}}).status, 304);
  EXPECT_EQ(Get(path, {{"If-None-Match", "\"2\""}}).status, 200);
  std::string upper = path;
  std::transform(upper.begin() + 18, upper.end(), upper.begin() + 18, [](unsigned char c) { return std::toupper(c); });
  EXPECT_EQ(Get(upper).body, Get(path).body);
}

TEST_F(ReadsTest, ATokenIsHonouredAndAStrangeOneRefused) {
  const std::string path = Create();
  const api::ConsistencyToken here{"beneficiary", daybook::PartitionId(0), daybook::Position(1)};
  const api::ConsistencyToken ahead{"beneficiary", daybook::PartitionId(0), daybook::Position(999)};
  const api::ConsistencyToken other{"client", daybook::PartitionId(0), daybook::Position(1)};
  for (const std::string& target :
       {path, path + "/validation", std::string(kCollection), std::string("/client/beneficiaries?client_id=x")}) {
    EXPECT_NE(Get(target, {{"Consistency-Token", here.Encode()}}).status, 400) << target;
    EXPECT_EQ(Get(target, {{"Consistency-Token", "nonsense"}}).status, 400) << target;
    EXPECT_EQ(Get(target, {{"Consistency-Token", other.Encode()}}).status, 400) << target;
  }
  const Reply waits = Get(path, {{"Consistency-Token", ahead.Encode()}});
  EXPECT_EQ(waits.status, 503) << waits.body;
  EXPECT_EQ(waits.Header("Retry-After"), "1");
}

TEST_F(ReadsTest, AListIsPagedByIdWithCursors) {
  std::set<std::string> created;
  for (int i = 0; i < 5; ++i) created.insert(Create().substr(18));
  std::set<std::string> seen;
  std::string last;
  std::string target = std::string(kCollection) + "?limit=2";
  for (int pages = 0; pages < 3; ++pages) {
    const Reply page = Get(target);
    ASSERT_EQ(page.status, 200) << page.body;
    const boost::json::value document = Parse(page.body);
    for (const auto& item : document.at("items").as_array()) {
      const std::string id(item.at("id").as_string());
      EXPECT_LT(last, id);
      last = id;
      seen.insert(id);
    }
    const std::string cursor = At(page.body, "/next_cursor");
    EXPECT_EQ(cursor == "null", pages == 2);
    if (cursor == "null") break;
    target = absl::StrCat(kCollection, "?limit=2&cursor=", cursor.substr(1, cursor.size() - 2));
  }
  EXPECT_EQ(seen, created);
  const std::string cursor = At(Get(std::string(kCollection) + "?limit=2").body, "/next_cursor");
  const std::string text = cursor.substr(1, cursor.size() - 2);
  EXPECT_EQ(Get(absl::StrCat(kCollection, "?status=active&cursor=", text)).status, 400);
  EXPECT_EQ(Get(absl::StrCat(kCollection, "?cursor=nonsense")).status, 400);
}

TEST_F(ReadsTest, AListTakesItsParametersOnceAndKnowsThemAll) {
  for (const std::string query : {"limit=0", "limit=201", "limit=x", "limit=", "limit=-1", "limit=1&limit=2",
                                  "status=gone", "page=1", "q=%ff", "q=%zz"}) {
    const Reply reply = Get(absl::StrCat(kCollection, "?", query));
    EXPECT_EQ(reply.status, 400) << query << reply.body;
    EXPECT_EQ(reply.Header("Content-Type"), "application/problem+json");
  }
  Create();
  for (const std::string query :
       {"limit=200", "status=active", "currency=eur", "bank_country=ES", "iban=es91+2100+0418+4502+0005+1332", "q=ACME",
        "q=acme-E", "status=&currency=&bank_country=&iban=&q=", "instance=daybook"}) {
    EXPECT_NE(At(Get(absl::StrCat(kCollection, "?", query)).body, "/items/0/id"), "(absent)") << query;
  }
  for (const std::string query :
       {"status=inactive", "currency=USD", "bank_country=FR", "iban=X", "q=iberia", "instance=uk"}) {
    EXPECT_EQ(At(Get(absl::StrCat(kCollection, "?", query)).body, "/items"), "[]") << query;
  }
  const Reply unknown = Get("/v1/clients/EBPCLI999999/beneficiaries");
  EXPECT_EQ(unknown.status, 200);
  EXPECT_EQ(unknown.body, R"({"items":[],"next_cursor":null})");
}

TEST_F(ReadsTest, RequirementsAreTold) {
  const Reply reply = Get("/v1/beneficiary-requirements?bank_country=ES&currency=EUR&type=business");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr(R"("field":"/bank_accounts/0/iban","required":true)"));
  EXPECT_THAT(reply.body, HasSubstr(R"("check":"iban")"));
  for (const std::string query : {"bank_country=E1&currency=EUR", "bank_country=ES&currency=EURO",
                                  "bank_country=ES&currency=EUR&type=robot", "currency=EUR"}) {
    EXPECT_EQ(Get("/v1/beneficiary-requirements?" + query).status, 400) << query;
  }
}

TEST_F(ReadsTest, ValidationOfASoundBeneficiaryHasNoWarnings) {
  EXPECT_EQ(Get(Create() + "/validation").body, R"({"warnings":[]})");
}

TEST_F(ReadsTest, TheDocumentDescribesExactlyTheRoutes) {
  const Reply reply = Get("/openapi.json");
  ASSERT_EQ(reply.status, 200);
  std::set<std::string> documented;
  const boost::json::value document = Parse(reply.body);
  for (const auto& path : document.at("paths").as_object()) {
    for (const auto& method : path.value().as_object()) {
      std::string name(method.key());
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
      documented.insert(name + " " + std::string(path.key()));
    }
  }
  std::set<std::string> served;
  for (const api::Endpoint& endpoint : api::Endpoints(*service_, {})) {
    served.insert(absl::StrCat(std::string(daybook::http::MethodName(endpoint.method)), " ", endpoint.path_template));
  }
  EXPECT_EQ(documented, served);
}

}  // namespace
}  // namespace beneficiary
