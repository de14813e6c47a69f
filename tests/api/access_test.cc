// Which clients a caller may read and write, at every route.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "beneficiary/api/identifiers.h"
#include "tests/api/access_fixture.h"

namespace beneficiary {
namespace {

using ::testing::HasSubstr;
using Headers = daybook::http::testing::Headers;

constexpr char kAccountBody[] =
    R"({"currency":"EUR","account_holder":"Acme","iban":"DE89370400440532013000","bank":{"country_code":"DE"}})";

// One request for each route of the document, so that it would succeed but for the caller.
struct RouteRequest {
  std::string method;
  std::string route;
  std::string target;
  std::string body;
  bool forbids = false;  // the document has a 403
};

class AccessTest : public AccessFixture {
 protected:
  static Headers May(const std::string& read, const std::string& write) {
    return {{"X-Caller-Identity", "ebo"}, {"X-Read-Clients", read}, {"X-Write-Clients", write}};
  }

  Reply SendAs(Headers caller, const RouteRequest& request) {
    caller.emplace_back("Idempotency-Key", absl::StrCat("key-", ++keys_));
    if (request.method == "PATCH") caller.emplace_back("If-Match", "*");
    if (request.method != "GET") caller.emplace_back("Prefer", "wait=10");
    if (!request.body.empty()) caller.emplace_back("Content-Type", "application/json");
    return Send(request.method, request.target, caller, request.body);
  }
  Reply GetAs(const Headers& caller, const std::string& target) { return Send("GET", target, caller); }

  // Of an operation on the beneficiary, decided just now.
  std::string AnOperation() {
    const Reply reply = SendAs(May("", "*"), {"POST", "", absl::StrCat("/v1/beneficiaries/", kId, ":deactivate"), ""});
    EXPECT_EQ(reply.status, 202) << reply.body;
    return std::string(reply.Header("Operation-Location"));
  }

  std::vector<RouteRequest> EveryRoute() {
    const std::map<std::string, std::string> bodies = {
        {"POST /v1/clients/{client_id}/beneficiaries", kAcme},
        {"PATCH /v1/beneficiaries/{id}", R"({"reference_information":"Other"})"},
        {"POST /v1/beneficiaries/{id}/bank-accounts", kAccountBody},
        {"PATCH /v1/beneficiaries/{id}/bank-accounts/{account_id}", R"({"account_holder":"Other"})"},
        {"POST /v1/beneficiaries/{id}:screening-result", R"({"status":"clear"})"},
    };
    const std::map<std::string, std::string> queries = {
        {"GET /client/beneficiaries", absl::StrCat("?client_id=", kClientId)},
        {"GET /v1/beneficiary-requirements", "?bank_country=ES&currency=EUR&type=business"},
    };
    const std::string operation = AnOperation();
    std::vector<RouteRequest> all;
    const boost::json::value document = Parse(GetAs(May("", ""), "/openapi.json").body);
    for (const auto& path : document.at("paths").as_object()) {
      for (const auto& method : path.value().as_object()) {
        RouteRequest request;
        request.method = std::string(method.key());
        std::transform(request.method.begin(), request.method.end(), request.method.begin(),
                       [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        const std::string template_text(path.key());
        request.route = request.method + " " + template_text;
        request.target = absl::StrReplaceAll(template_text, {{"{client_id}", kClientId},
                                                             {"{id}", kId},
                                                             {"{account_id}", kAccount},
                                                             {"{alias}", "acme"},
                                                             {"/v1/operations/{operation_id}", operation}});
        if (const auto query = queries.find(request.route); query != queries.end()) request.target += query->second;
        if (const auto body = bodies.find(request.route); body != bodies.end()) request.body = body->second;
        request.forbids = method.value().at("responses").as_object().contains("403");
        all.push_back(std::move(request));
      }
    }
    return all;
  }
};

TEST_F(AccessTest, EveryRouteRefusesWhoIsNotNamed) {
  const std::vector<RouteRequest> all = EveryRoute();
  ASSERT_GE(all.size(), 20u);
  const daybook::Revision before = RevisionOf(kId);
  for (const RouteRequest& request : all) {
    const bool compat = request.route == "GET /client/beneficiaries";
    Reply reply = SendAs({{"X-Read-Clients", "*"}, {"X-Write-Clients", "*"}}, request);
    EXPECT_EQ(reply.status, 401) << request.route << ": " << reply.body;
    EXPECT_THAT(std::string(reply.Header("WWW-Authenticate")), HasSubstr("realm=")) << request.route;
    if (compat) {
      EXPECT_EQ(reply.body, R"({"detail":"Authentication credentials were not provided."})");
    } else {
      EXPECT_EQ(reply.Header("Content-Type"), "application/problem+json");
      EXPECT_EQ(At(reply.body, "/type"), "\"urn:daybook:problem:identity-required\"");
      EXPECT_EQ(At(reply.body, "/instance"),
                absl::StrCat("\"", request.target.substr(0, request.target.find('?')), "\""));
    }
    Headers twice = May("*", "*");
    twice.emplace_back("X-Read-Clients", kOtherClientId);
    reply = SendAs(twice, request);
    EXPECT_EQ(reply.status, 400) << request.route << ": " << reply.body;
  }
  EXPECT_EQ(RevisionOf(kId), before);
}

TEST_F(AccessTest, EveryRouteOfAClientRefusesWhoMayNotHaveIt) {
  const daybook::Revision before = RevisionOf(kId);
  int forbidden = 0;
  for (const RouteRequest& request : EveryRoute()) {
    const Reply reply = SendAs(May(kOtherClientId, kOtherClientId), request);
    if (!request.forbids) {
      EXPECT_EQ(reply.status, 200) << request.route << ": " << reply.body;
      continue;
    }
    ++forbidden;
    EXPECT_EQ(reply.status, 403) << request.route << ": " << reply.body;
    if (request.route == "GET /client/beneficiaries") {
      EXPECT_EQ(reply.body, R"({"detail":"You do not have permission to perform this action."})");
      EXPECT_EQ(reply.Header("Content-Type"), "application/json");
    } else {
      EXPECT_EQ(At(reply.body, "/type"), "\"urn:daybook:problem:client-not-allowed\"") << request.route;
    }
    // May read it, and that is all; or may write it, and that is all.
    const bool reads = request.method == "GET";
    const bool operation = absl::StrContains(request.route, "operations");
    EXPECT_EQ(SendAs(May(reads ? "" : kClientId, reads ? kClientId : ""), request).status, operation ? 200 : 403)
        << request.route;
  }
  EXPECT_GE(forbidden, 18);
  EXPECT_EQ(RevisionOf(kId), daybook::Revision(before.value() + 1)) << "AnOperation's only";
}

TEST_F(AccessTest, EveryRouteServesWhoMayHaveItsClient) {
  for (const RouteRequest& request : EveryRoute()) {
    const Reply reply = SendAs(May(kClientId, absl::StrCat(kOtherClientId, ",", kClientId)), request);
    // The alias is there only after the PUT, and the account is gone after the DELETE.
    EXPECT_TRUE(reply.status / 100 == 2 || reply.status == 404 || reply.status == 409)
        << request.route << ": " << reply.status << " " << reply.body;
  }
}

// Ids are derived from BOS's keys: who could tell unknown ones from those of others could count their beneficiaries.
TEST_F(AccessTest, AnUnknownIdAndAnotherClientsAreTheSame) {
  for (const RouteRequest& request : EveryRoute()) {
    if (!absl::StrContains(request.target, kId) && !absl::StrContains(request.route, "operations")) continue;
    RouteRequest unknown = request;
    unknown.target = absl::StrReplaceAll(request.target, {{kId, kUnknownId}});
    if (absl::StrContains(request.route, "operations")) {
      const api::OperationId nobodys{engine_->partition().options().partition,
                                     api::CommandIdOfKey("nobody", "anywhere", "never")};
      unknown.target = "/v1/operations/" + nobodys.Encode();
    }
    const Reply theirs = SendAs(May(kOtherClientId, kOtherClientId), request);
    const Reply nobodys = SendAs(May(kOtherClientId, kOtherClientId), unknown);
    EXPECT_EQ(nobodys.status, 403) << request.route << ": " << nobodys.body;
    EXPECT_EQ(absl::StrReplaceAll(nobodys.body, {{unknown.target, request.target}}), theirs.body) << request.route;
    EXPECT_EQ(SendAs(May("*", "*"), unknown).status, 404) << "who may have every client may know that there is none";
  }
}

TEST_F(AccessTest, AMoveAtBosTakesTheBeneficiaryToTheOtherCaller) {
  const std::string path = absl::StrCat("/v1/beneficiaries/", kId);
  const Headers old_caller = May(kClientId, kClientId);
  const Headers new_caller = May(kOtherClientId, kOtherClientId);
  EXPECT_EQ(GetAs(old_caller, path).status, 200);
  EXPECT_EQ(GetAs(new_caller, path).status, 403);
  Headers keyed = old_caller;
  keyed.insert(keyed.end(), {{"Idempotency-Key", "once"}, {"Prefer", "wait=10"}});
  EXPECT_EQ(Send("PUT", path + "/aliases/acme", keyed).status, 200);

  BosSays(SyncFor(kOtherClientId));
  EXPECT_EQ(GetAs(old_caller, path).status, 403);
  EXPECT_EQ(GetAs(new_caller, path).status, 200);
  EXPECT_EQ(SendAs(old_caller, {"PUT", "", path + "/aliases/other", ""}).status, 403);
  EXPECT_EQ(SendAs(new_caller, {"PUT", "", path + "/aliases/other", ""}).status, 200);
  EXPECT_EQ(Send("PUT", path + "/aliases/acme", keyed).status, 403) << "a stored outcome shows another client's now";
  EXPECT_EQ(At(GetAs(old_caller, absl::StrCat("/v1/clients/", kClientId, "/beneficiaries")).body, "/items"), "[]");
}

// A write's answer shows the whole beneficiary.
TEST_F(AccessTest, WhoMayWriteAndNotReadIsToldWhatBecameOfItAndNoMore) {
  const Reply reply =
      SendAs(May("", kClientId), {"PUT", "", absl::StrCat("/v1/beneficiaries/", kId, "/aliases/acme"), ""});
  EXPECT_EQ(reply.status, 202) << reply.body;
  EXPECT_EQ(At(reply.body, "/status"), "\"succeeded\"");
  EXPECT_THAT(reply.body, ::testing::Not(HasSubstr("Iberia")));
  const std::string operation(reply.Header("Operation-Location"));
  EXPECT_EQ(GetAs(May("", kClientId), operation).status, 200);
  EXPECT_EQ(GetAs(May(kClientId, ""), operation).status, 200);
  EXPECT_EQ(GetAs(May("", ""), operation).status, 403);
}

TEST_F(AccessTest, AnOperationThatLeftNoBeneficiaryIsForWhoMayHaveEveryClient) {
  std::string body = kAcme;
  body = absl::StrReplaceAll(body, {{"ES9121000418450200051332", "ES0021000418450200051332"}});
  const Reply refused =
      SendAs(May(kClientId, kClientId), {"POST", "", absl::StrCat("/v1/clients/", kClientId, "/beneficiaries"), body});
  ASSERT_EQ(refused.status, 422) << refused.body;
  const auto id = api::CommandIdOfKey("ebo", absl::StrCat("/v1/clients/", kClientId, "/beneficiaries"),
                                      absl::StrCat("key-", keys_));
  const std::string operation =
      absl::StrCat("/v1/operations/", api::OperationId{engine_->partition().options().partition, id}.Encode());
  EXPECT_EQ(GetAs(May(kClientId, kClientId), operation).status, 403);
  EXPECT_EQ(GetAs(May("*", ""), operation).status, 200);
  EXPECT_EQ(GetAs(May("", "*"), operation).status, 200);
}

TEST_F(AccessTest, APurgedBeneficiaryIsNobodysAgain) {
  commands::v1::ForgetFromBos forget;
  forget.set_instance("uk");
  forget.set_legacy_id("7");
  const auto outcome = engine_->beneficiaries().ExecuteAndWait(kId, forget, {});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  WaitUntilShown(outcome->position);
  const std::string path = absl::StrCat("/v1/beneficiaries/", kId);
  EXPECT_EQ(GetAs(May(kClientId, kClientId), path).status, 403);
  EXPECT_EQ(SendAs(May(kClientId, kClientId), {"POST", "", path + ":restore", ""}).status, 403);
  EXPECT_EQ(GetAs(May("*", "*"), path).status, 404);
}

TEST_F(AccessTest, HostileHeadersAreAClearRefusal) {
  const std::string path = absl::StrCat("/v1/beneficiaries/", kId);
  for (const auto& [name, value] : Headers{{"X-Caller-Identity", std::string(5000, 'a')},
                                           {"X-Caller-Identity", "a b"},
                                           {"X-Caller-Identity", "\xff\xfe"},
                                           {"X-Read-Clients", "*, *"},
                                           {"X-Read-Clients", std::string(9000, ',')},
                                           {"X-Write-Clients", "EBPCLI000042\x01"},
                                           {"X-Write-Clients", "../../etc"}}) {
    Headers caller;
    for (const auto& given : May("*", "*")) caller.push_back(given.first == name ? std::pair(name, value) : given);
    const Reply reply = GetAs(caller, path);
    EXPECT_EQ(reply.status, 400) << name << ": " << value.substr(0, 20);
  }
  EXPECT_EQ(GetAs(May("*", "*"), path).status, 200);
}

}  // namespace
}  // namespace beneficiary
