#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "beneficiary/api/identifiers.h"
#include "tests/api/api_fixture.h"

namespace beneficiary {
namespace {

using WritesTest = ApiTest;
using ::testing::HasSubstr;

TEST_F(WritesTest, APostIsStoredProjectedAndRead) {
  const Reply created = Write("POST", kCollection, kAcme);
  ASSERT_EQ(created.status, 201) << created.body;
  const std::string location(created.Header("Location"));
  EXPECT_EQ(created.Header("ETag"), "\"1\"");
  EXPECT_EQ(created.Header("Content-Type"), "application/json");
  EXPECT_NE(created.Header("Consistency-Token"), "");
  EXPECT_EQ(created.Header("Preference-Applied"), "wait=10");
  const Reply read = Get(location);
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, created.body);
  EXPECT_EQ("/v1/beneficiaries/" + At(read.body, "/id").substr(1, 36), location);
  EXPECT_EQ(At(read.body, "/client_id"), "\"EBPCLI000042\"");
  EXPECT_EQ(At(read.body, "/status"), "\"active\"");
  EXPECT_EQ(At(read.body, "/bank_accounts/0/iban"), "\"ES9121000418450200051332\"");
  const Reply list = Get(kCollection);
  EXPECT_EQ(list.body, "{\"items\":[" + created.body + "],\"next_cursor\":null}");
}

TEST_F(WritesTest, WithoutPreferAWriteIsAcceptedAndItsOperationTold) {
  const Reply accepted = Send("POST", kCollection, {{"Idempotency-Key", "k"}}, kAcme);
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  const std::string place(accepted.Header("Operation-Location"));
  const std::string token(accepted.Header("Consistency-Token"));
  EXPECT_EQ("\"" + place + "\"", "\"/v1/operations/" + At(accepted.body, "/id").substr(1));
  const Reply operation = Get(place);
  ASSERT_EQ(operation.status, 200) << operation.body;
  EXPECT_EQ(At(operation.body, "/status"), "\"succeeded\"");
  EXPECT_EQ(At(operation.body, "/version"), "1");
  EXPECT_EQ(At(operation.body, "/consistency_token"), "\"" + token + "\"");
  EXPECT_EQ(At(operation.body, "/error"), "null");
  const std::string resource = At(operation.body, "/resource");
  const Reply read = Get(resource.substr(1, resource.size() - 2), {{"Consistency-Token", token}});
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(At(Get(place).body, "/resource"), resource);
}

TEST_F(WritesTest, APostNeedsAnIdempotencyKeyAndAnOddOneIsRefused) {
  Reply reply = Send("POST", kCollection, {}, kAcme);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.Header("Content-Type"), "application/problem+json");
  EXPECT_EQ(At(reply.body, "/type"), "\"urn:daybook:problem:idempotency-key-required\"");
  for (const std::string& key : {std::string(129, 'x'), std::string("\xc3\xa9")}) {
    reply = Send("POST", kCollection, {{"Idempotency-Key", key}}, kAcme);
    EXPECT_EQ(reply.status, 400) << key;
  }
  const std::string path = Create();
  for (const std::string verb : {":activate", ":deactivate", ":restore", ":screening-result", "/bank-accounts"}) {
    EXPECT_EQ(Send("POST", path + verb, {}, "").status, 400) << verb;
  }
}

TEST_F(WritesTest, TheSameKeyAndRequestGivesTheFirstOutcome) {
  const Reply first = Write("POST", kCollection, kAcme, {{"Idempotency-Key", "once"}});
  ASSERT_EQ(first.status, 201);
  const Reply again = Write("POST", kCollection, kAcme, {{"Idempotency-Key", "once"}});
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.Header("Location"), first.Header("Location"));
  EXPECT_EQ(again.Header("Consistency-Token"), first.Header("Consistency-Token"));
  // Another spelling of the same JSON is the same request.
  const Reply spelled = Write("POST", kCollection, std::string(" ") + kAcme + "\n", {{"Idempotency-Key", "once"}});
  EXPECT_EQ(spelled.body, first.body);
  const Reply other =
      Write("POST", kCollection, R"({"name":"Other","type":"business"})", {{"Idempotency-Key", "once"}});
  EXPECT_EQ(other.status, 422) << other.body;
  EXPECT_EQ(At(other.body, "/type"), "\"urn:daybook:problem:idempotency-key-reused\"");
  // Another client, and another caller, have keys of their own.
  EXPECT_EQ(Write("POST", "/v1/clients/EBPCLI000043/beneficiaries", kAcme, {{"Idempotency-Key", "once"}}).status, 201);
  const Reply caller =
      Write("POST", kCollection, kAcme, {{"Idempotency-Key", "once"}, {"X-Caller-Identity", "someone"}});
  EXPECT_EQ(caller.status, 201);
  EXPECT_NE(caller.Header("Location"), first.Header("Location"));
}

TEST_F(WritesTest, ARejectionIsAnOutcomeTooAndIsGivenAgain) {
  const std::string bad = R"({"name":"","type":"business"})";
  const Reply first = Write("POST", kCollection, bad, {{"Idempotency-Key", "bad"}});
  ASSERT_EQ(first.status, 422) << first.body;
  EXPECT_EQ(At(first.body, "/errors/0/pointer"), "\"/name\"");
  EXPECT_EQ(Write("POST", kCollection, bad, {{"Idempotency-Key", "bad"}}).body, first.body);
  // What never reached the aggregate left no trace: the key is free.
  EXPECT_EQ(Write("POST", kCollection, "{", {{"Idempotency-Key", "free"}}).status, 400);
  EXPECT_EQ(Write("POST", kCollection, kAcme, {{"Idempotency-Key", "free"}}).status, 201);
}

TEST_F(WritesTest, EveryViolationIsNamedAtOnce) {
  const Reply reply = Write("POST", kCollection,
                            R"({"name":"","type":"business","bank_accounts":[{"account_holder":"A","currency":"EUR",
                                "iban":"ES0000000000000000000000","bank":{"country_code":"ES"}}]})");
  ASSERT_EQ(reply.status, 422) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr("\"/name\""));
  EXPECT_THAT(reply.body, HasSubstr("\"/bank_accounts/0/iban\""));
  const Reply malformed = Write("POST", kCollection, R"({"name":1,"zzz":true,"bank_accounts":[{"iban":false}]})");
  ASSERT_EQ(malformed.status, 400);
  EXPECT_THAT(malformed.body, HasSubstr("\"/name\""));
  EXPECT_THAT(malformed.body, HasSubstr("\"/zzz\""));
  EXPECT_THAT(malformed.body, HasSubstr("\"/bank_accounts/0/iban\""));
}

TEST_F(WritesTest, AClientIdHasItsForm) {
  const Reply reply = Write("POST", "/v1/clients/nobody/beneficiaries", kAcme);
  EXPECT_EQ(reply.status, 422);
  EXPECT_THAT(reply.body, HasSubstr("/client_id"));
}

TEST_F(WritesTest, APatchNeedsTheRightRevision) {
  const std::string path = Create();
  const std::string patch = R"({"name":"Acme Two"})";
  EXPECT_EQ(Write("PATCH", path, patch).status, 428);
  EXPECT_EQ(Write("PATCH", path, patch, {{"If-Match", "1"}}).status, 400);
  for (const std::string tag : {"\"2\"", "W/\"1\""}) {
    const Reply refused = Write("PATCH", path, patch, {{"If-Match", tag}});
    EXPECT_EQ(refused.status, 412) << tag;
    EXPECT_EQ(At(refused.body, "/type"), "\"urn:daybook:problem:revision-conflict\"") << tag;
  }
  const Reply done = Write("PATCH", path, patch, {{"If-Match", "\"1\""}});
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.Header("ETag"), "\"2\"");
  EXPECT_EQ(At(done.body, "/name"), "\"Acme Two\"");
  EXPECT_EQ(At(done.body, "/version"), "2");
  EXPECT_EQ(Write("PATCH", path, R"({"name":"Acme 3"})", {{"If-Match", "\"1\""}}).status, 412);
  EXPECT_EQ(Write("PATCH", path, R"({"name":"Acme 3"})", {{"If-Match", "*"}}).status, 200);
  // Nothing to change is no error, and no new revision.
  const Reply same = Write("PATCH", path, R"({"name":"Acme 3"})", {{"If-Match", "\"3\""}});
  EXPECT_EQ(same.status, 200);
  EXPECT_EQ(same.Header("ETag"), "\"3\"");
}

TEST_F(WritesTest, ARetriedPatchGetsItsOutcomeThoughTheRevisionHasMoved) {
  const std::string path = Create();
  const Headers headers = {{"If-Match", "\"1\""}, {"Idempotency-Key", "p"}};
  ASSERT_EQ(Write("PATCH", path, R"({"name":"Two"})", headers).status, 200);
  EXPECT_EQ(Write("PATCH", path, R"({"name":"Two"})", headers).status, 200);
  // The same key with another If-Match is another request.
  EXPECT_EQ(Write("PATCH", path, R"({"name":"Two"})", {{"If-Match", "\"2\""}, {"Idempotency-Key", "p"}}).status, 422);
}

TEST_F(WritesTest, NullClearsWhatMayBeClearedOnly) {
  const std::string path = Create();
  const Reply cleared =
      Write("PATCH", path, R"({"reference_information":null,"address":{"city":null}})", {{"If-Match", "*"}});
  ASSERT_EQ(cleared.status, 200) << cleared.body;
  EXPECT_EQ(At(cleared.body, "/reference_information"), "null");
  EXPECT_EQ(At(cleared.body, "/address/city"), "null");
  EXPECT_EQ(At(cleared.body, "/address/post_code"), "\"28014\"");
  const Reply refused =
      Write("PATCH", path, R"({"name":null,"type":null,"email_notification":null})", {{"If-Match", "*"}});
  EXPECT_EQ(refused.status, 422);
  for (const std::string pointer : {"\"/name\"", "\"/type\"", "\"/email_notification\""}) {
    EXPECT_THAT(refused.body, HasSubstr(pointer));
  }
  const Reply gone = Write("PATCH", path, R"({"address":null})", {{"If-Match", "*"}});
  ASSERT_EQ(gone.status, 200) << gone.body;
  EXPECT_EQ(At(gone.body, "/address"), "null");
}

TEST_F(WritesTest, DeleteIsSoftRepeatableAndUndone) {
  const std::string path = Create();
  EXPECT_EQ(Write("DELETE", path, "", {{"If-Match", "\"9\""}}).status, 412);
  const Reply done = Write("DELETE", path);
  EXPECT_EQ(done.status, 204) << done.body;
  EXPECT_EQ(done.body, "");
  EXPECT_NE(done.Header("Consistency-Token"), "");
  EXPECT_EQ(Write("DELETE", path).status, 204);
  EXPECT_EQ(At(Get(path).body, "/status"), "\"deleted\"");
  EXPECT_EQ(Get(kCollection).body, R"({"items":[],"next_cursor":null})");
  EXPECT_EQ(At(Get(std::string(kCollection) + "?status=deleted").body, "/items/0/status"), "\"deleted\"");
  EXPECT_EQ(Write("PATCH", path, R"({"name":"X"})", {{"If-Match", "*"}}).status, 409);
  const Reply restored = Write("POST", path + ":restore");
  EXPECT_EQ(restored.status, 200) << restored.body;
  EXPECT_EQ(At(restored.body, "/status"), "\"active\"");
}

TEST_F(WritesTest, AliasesArePutAndDeleted) {
  const std::string path = Create();
  const Reply put = Write("PUT", path + "/aliases/new%20one");
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(At(put.body, "/aliases"), R"(["acme-es","new one"])");
  EXPECT_EQ(Write("PUT", path + "/aliases/new%20one").status, 200);
  EXPECT_EQ(Write("DELETE", path + "/aliases/new%20one").status, 204);
  EXPECT_EQ(At(Get(path).body, "/aliases"), R"(["acme-es"])");
  EXPECT_EQ(Write("PUT", path + "/aliases/%FF").status, 400);
}

TEST_F(WritesTest, BankAccountsAreAddedChangedMadeDefaultAndRemoved) {
  const std::string path = Create();
  const std::string account = R"({"account_holder":"Acme","currency":"EUR","iban":"DE89370400440532013000",
                                  "bank":{"name":"Commerzbank","country_code":"DE"}})";
  const Reply added = Write("POST", path + "/bank-accounts", account);
  ASSERT_EQ(added.status, 201) << added.body;
  const std::string place(added.Header("Location"));
  const std::string id = At(added.body, "/bank_accounts/1/id");
  EXPECT_EQ(path + "/bank-accounts/" + id.substr(1, 36), place);
  EXPECT_EQ(Write("PATCH", place, R"({"account_holder":"B"})").status, 428);
  const Reply patched =
      Write("PATCH", place, R"({"account_holder":"Acme B","bank":{"name":null}})", {{"If-Match", "*"}});
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(At(patched.body, "/bank_accounts/1/account_holder"), "\"Acme B\"");
  EXPECT_EQ(At(patched.body, "/bank_accounts/1/bank/name"), "null");
  const Reply refused = Write("PATCH", place, R"({"iban":"DE00370400440532013000"})", {{"If-Match", "*"}});
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(At(refused.body, "/errors/0/pointer"), "\"/iban\"");  // into what was sent
  const Reply made = Write("POST", place + ":make-default");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(At(made.body, "/bank_accounts/0/default"), "false");
  EXPECT_EQ(At(made.body, "/bank_accounts/1/default"), "true");
  EXPECT_EQ(Write("DELETE", place).status, 204);
  EXPECT_EQ(Write("DELETE", place).status, 404);
  const std::string first = At(Get(path).body, "/bank_accounts/0/id").substr(1, 36);
  EXPECT_EQ(Write("DELETE", path + "/bank-accounts/" + first).status, 204);
  EXPECT_EQ(At(Get(path).body, "/status"), "\"inactive\"");
  EXPECT_EQ(Write("POST", path + ":activate").status, 409);
}

TEST_F(WritesTest, VerbsChangeTheState) {
  const std::string path = Create();
  EXPECT_EQ(At(Write("POST", path + ":deactivate").body, "/status"), "\"inactive\"");
  EXPECT_EQ(At(Write("POST", path + ":activate", "{}").body, "/status"), "\"active\"");
  const Reply screened =
      Write("POST", path + ":screening-result", R"({"status":"blocked","checked_at":"2026-01-02T03:04:05Z"})");
  ASSERT_EQ(screened.status, 200) << screened.body;
  EXPECT_EQ(At(screened.body, "/screening"), R"({"status":"blocked","checked_at":"2026-01-02T03:04:05.000000Z"})");
  EXPECT_EQ(Write("POST", path + ":activate", R"({"a":1})").status, 400);
  EXPECT_EQ(Write("POST", path + ":explode").status, 405);  // an id of that spelling could only be read
}

TEST_F(WritesTest, WhatIsNotThereIs404) {
  const std::string nobody = "/v1/beneficiaries/157402e8-078d-5764-bea8-198235e56fd6";
  EXPECT_EQ(Write("PATCH", nobody, "{}", {{"If-Match", "\"1\""}}).status, 404);
  EXPECT_EQ(Write("DELETE", nobody).status, 404);
  EXPECT_EQ(Write("PUT", nobody + "/aliases/a").status, 404);
  EXPECT_EQ(Write("POST", nobody + ":activate").status, 404);
  EXPECT_EQ(Write("DELETE", "/v1/beneficiaries/nonsense").status, 404);
  const std::string path = Create();
  EXPECT_EQ(Write("POST", path + "/bank-accounts/nonsense:make-default").status, 404);
}

TEST_F(WritesTest, PreferNamesReadModelsAndAnUnknownOneIsRefused) {
  const Reply named = Write("POST", kCollection, kAcme, {{"Prefer", "wait=10, models=\"list.v1\""}});
  EXPECT_EQ(named.status, 201);
  EXPECT_EQ(named.Header("Preference-Applied"), "wait=10, models=\"list.v1\"");
  const Reply unknown = Write("POST", kCollection, kAcme, {{"Prefer", "wait=1, models=\"nope.v1\""}});
  EXPECT_EQ(unknown.status, 400);
  EXPECT_THAT(unknown.body, HasSubstr("list.v1"));
  EXPECT_EQ(Write("POST", kCollection, kAcme, {{"Prefer", "wait=soon"}}).status, 400);
}

TEST_F(WritesTest, Trap14WhatIsCommittedButNotShownSaysWhichReadModelsArePending) {
  const std::string path = Create();
  engine_->runner().Stop();
  const Reply accepted = Write("POST", path + ":deactivate", "", {{"Prefer", "wait=1"}});
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  EXPECT_EQ(At(accepted.body, "/status"), "\"succeeded\"");
  const Reply operation = Get(accepted.Header("Operation-Location"));
  EXPECT_EQ(At(operation.body, "/status"), "\"succeeded\"");
  for (const std::string model : {"list.v1", "detail.v1", "compat.v1"}) {
    EXPECT_THAT(At(operation.body, "/pending"), HasSubstr(model));
  }
}

TEST_F(WritesTest, ARefusedOperationTellsItsProblem) {
  const std::string path = Create();
  ASSERT_EQ(Write("DELETE", path).status, 204);
  ASSERT_EQ(Write("POST", path + ":activate", "", {{"Idempotency-Key", "r"}}).status, 409);
  const api::OperationId id{daybook::PartitionId(0), api::CommandIdOfKey("anonymous", path, "r")};
  const Reply operation = Get("/v1/operations/" + id.Encode());
  ASSERT_EQ(operation.status, 200) << operation.body;
  EXPECT_EQ(At(operation.body, "/status"), "\"failed\"");
  EXPECT_EQ(At(operation.body, "/error/status"), "409");
  EXPECT_EQ(At(operation.body, "/pending"), "[]");
}

TEST_F(WritesTest, ABodyThatIsNotJsonIsRefusedByItsType) {
  EXPECT_EQ(Send("POST", kCollection, {{"Idempotency-Key", "t"}, {"Content-Type", "text/xml"}}, kAcme).status, 415);
  const std::string path = Create();
  EXPECT_EQ(Send("PATCH", path, {{"If-Match", "*"}, {"Content-Type", "application/merge-patch+json"}}, "{}").status,
            202);
}

}  // namespace
}  // namespace beneficiary
