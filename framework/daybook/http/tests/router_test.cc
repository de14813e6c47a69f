#include "daybook/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace daybook::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Handler Nothing() {
  return [](Request, Responder) {};
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    router_.Add(Method::kGet, "/v1/clients/{client_id}/beneficiaries", Nothing())
        .Add(Method::kPost, "/v1/clients/{client_id}/beneficiaries", Nothing())
        .Add(Method::kGet, "/v1/beneficiaries/{id}", Nothing())
        .Add(Method::kPatch, "/v1/beneficiaries/{id}", Nothing())
        .Add(Method::kPost, "/v1/beneficiaries/{id}:activate", Nothing())
        .Add(Method::kGet, "/v1/beneficiaries/latest", Nothing())
        .Add(Method::kPut, "/v1/beneficiaries/{id}/aliases/{alias}", Nothing())
        .Add(Method::kGet, "/v1/beneficiaries/latest/audit", Nothing())
        .Add(Method::kGet, "/", Nothing());
  }

  std::string Template(Method method, std::string_view path) const {
    const Router::Match match = router_.Find(method, path);
    return match.route == nullptr ? std::to_string(ToInt(match.failure)) : match.route->path_template;
  }

  Router router_;
};

TEST_F(RouterTest, AParameterStandsForOneSegment) {
  const Router::Match match = router_.Find(Method::kGet, "/v1/clients/EBPCLI000042/beneficiaries");
  ASSERT_NE(match.route, nullptr);
  EXPECT_THAT(match.params, ElementsAre(Pair("client_id", "EBPCLI000042")));
  EXPECT_EQ(Template(Method::kGet, "/v1/clients/a/b/beneficiaries"), "404");
  EXPECT_EQ(Template(Method::kGet, "/v1/clients//beneficiaries"), "404");
}

TEST_F(RouterTest, ParametersAreDecodedAfterSplitting) {
  const Router::Match match = router_.Find(Method::kPut, "/v1/beneficiaries/1/aliases/a%2Fb%3Ac%20%C3%A9+");
  ASSERT_NE(match.route, nullptr);
  EXPECT_THAT(match.params, ElementsAre(Pair("id", "1"), Pair("alias", "a/b:c \xc3\xa9+")));
}

TEST_F(RouterTest, BadEscapesAndBadUtf8AreBadRequests) {
  for (const char* path : {"/v1/beneficiaries/%", "/v1/beneficiaries/%4g", "/v1/beneficiaries/%ff",
                           "/v1/beneficiaries/a%00", "/v1/beneficiaries/\xc3"}) {
    EXPECT_EQ(Template(Method::kGet, path), "400") << path;
  }
}

TEST_F(RouterTest, ALiteralWinsOverAParameterAndTheSearchGoesBack) {
  EXPECT_EQ(Template(Method::kGet, "/v1/beneficiaries/latest"), "/v1/beneficiaries/latest");
  EXPECT_EQ(Template(Method::kGet, "/v1/beneficiaries/late"), "/v1/beneficiaries/{id}");
  EXPECT_EQ(Template(Method::kPut, "/v1/beneficiaries/latest/aliases/x"), "/v1/beneficiaries/{id}/aliases/{alias}");
  EXPECT_EQ(Template(Method::kGet, "/v1/beneficiaries/l%61test"), "/v1/beneficiaries/latest");
}

TEST_F(RouterTest, ACustomVerbIsSplitOffAtAnUnescapedColon) {
  const Router::Match match = router_.Find(Method::kPost, "/v1/beneficiaries/a:b:activate");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->path_template, "/v1/beneficiaries/{id}:activate");
  EXPECT_THAT(match.params, ElementsAre(Pair("id", "a:b")));
  EXPECT_EQ(Template(Method::kGet, "/v1/beneficiaries/7%3Aactivate"), "/v1/beneficiaries/{id}");
  EXPECT_EQ(Template(Method::kGet, "/v1/beneficiaries/7:unknown"), "/v1/beneficiaries/{id}");
  EXPECT_EQ(Template(Method::kGet, "/v1/beneficiaries/7:activate"), "405");
}

TEST_F(RouterTest, AnotherMethodIsAnsweredWithAllow) {
  const Router::Match match = router_.Find(Method::kDelete, "/v1/beneficiaries/7");
  EXPECT_EQ(match.failure, StatusCode::kMethodNotAllowed);
  EXPECT_EQ(match.allow, "GET, HEAD, PATCH");
  EXPECT_EQ(Template(Method::kOther, "/v1/beneficiaries/7"), "405");
}

TEST_F(RouterTest, GetServesHead) {
  EXPECT_EQ(Template(Method::kHead, "/v1/beneficiaries/7"), "/v1/beneficiaries/{id}");
  EXPECT_EQ(Template(Method::kHead, "/v1/beneficiaries/7:activate"), "405");
}

TEST_F(RouterTest, UnknownPathsAreNotFound) {
  for (const char* path : {"", "*", "v1", "/v1", "/v1/beneficiaries/", "/v1/beneficiaries", "/v2/x", "//", "/v1//"}) {
    EXPECT_EQ(Template(Method::kGet, path), "404") << path;
  }
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "/x";
  EXPECT_EQ(Template(Method::kGet, deep), "404");
  EXPECT_EQ(Template(Method::kGet, "/"), "/");
}

TEST(RouterTemplateTest, MalformedTemplatesAreNamed) {
  for (const char* bad : {"", "v1", "/a//b", "/{", "/{}", "/{a", "/{A}", "/{a}x", "/{a}:", "/{a}:b/c", "/{a}:b:c",
                          "/{a}/{a}", "/a b", "/a?b", "/a%20"}) {
    Router router;
    router.Add(Method::kGet, bad, Nothing());
    EXPECT_EQ(router.status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  Router router;
  router.Add(Method::kOther, "/a", Nothing());
  EXPECT_FALSE(router.status().ok());
}

TEST(RouterTemplateTest, ASecondRouteForTheSamePathIsRefused) {
  Router router;
  router.Add(Method::kGet, "/a/{b}", Nothing()).Add(Method::kPost, "/a/{c}", Nothing());
  EXPECT_TRUE(router.status().ok());
  router.Add(Method::kGet, "/a/{d}", Nothing());
  EXPECT_EQ(router.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(router.status().message()), HasSubstr("/a/{d}"));
}

}  // namespace
}  // namespace daybook::http
