// How often a caller may ask, over REST.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "daybook/testing/fake_clock.h"
#include "tests/api/api_fixture.h"

namespace beneficiary {
namespace {

class LimitsTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    api::AdmissionOptions options;
    options.requests_per_second_max = 0.5;
    options.requests_burst = 2;
    options.clock = &clock_;
    options.on_refused = [this](std::string_view edge, std::string_view reason) {
      refused_.push_back(std::string(edge).append(" ").append(reason));
    };
    api::RestOptions rest;
    rest.admission = std::make_shared<api::Admission>(std::move(options));
    Serve({}, rest);
  }

  daybook::testing::FakeClock clock_;
  std::vector<std::string> refused_;
};

TEST_F(LimitsTest, WhoAsksTooOftenIsToldWhenToAskAgain) {
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Get(kCollection).status, 200);
  const Reply refused = Get(kCollection);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.Header("Retry-After"), "2");
  EXPECT_EQ(refused.Header("Content-Type"), "application/problem+json");
  EXPECT_EQ(At(refused.body, "/type"), "\"urn:daybook:problem:rate-limited\"");
  EXPECT_THAT(refused_, ::testing::ElementsAre("rest RATE_LIMITED"));
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(Get(kCollection).status, 200);
}

TEST_F(LimitsTest, EveryRouteCounts) {
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Get("/openapi.json").status, 200);
  for (const api::Endpoint& endpoint : api::Endpoints(*service_, {})) {
    const std::string method(daybook::http::MethodName(endpoint.method));
    EXPECT_EQ(Send(method, endpoint.path_template, {{"Idempotency-Key", "k"}}).status, 429) << endpoint.path_template;
  }
}

TEST_F(LimitsTest, ACallersLimitIsItsOwn) {
  for (int i = 0; i < 3; ++i) Get(kCollection, {{"X-Caller-Identity", "greedy"}});
  EXPECT_EQ(Get(kCollection, {{"X-Caller-Identity", "greedy"}}).status, 429);
  EXPECT_EQ(Get(kCollection, {{"X-Caller-Identity", "modest"}}).status, 200);
}

TEST_F(LimitsTest, TheCompatibilityEndpointSaysItAsBosWould) {
  const std::string target = "/client/beneficiaries?client_id=EBPCLI000042";
  for (int i = 0; i < 2; ++i) Get(target);
  Reply refused = Get(target);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body, R"({"detail":"Request was throttled. Expected available in 2 seconds."})");
  EXPECT_EQ(refused.Header("Retry-After"), "2");
  clock_.Advance(absl::Seconds(1));
  refused = Get(target);
  EXPECT_EQ(refused.body, R"({"detail":"Request was throttled. Expected available in 1 second."})");
}

}  // namespace
}  // namespace beneficiary
