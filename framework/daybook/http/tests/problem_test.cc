#include "daybook/http/problem.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "daybook/base/reason.h"

namespace daybook::http {
namespace {

TEST(ProblemTest, RendersItsMembersInTheirOrder) {
  Problem problem(StatusCode::kUnprocessableContent, "Two rules are broken.");
  problem.instance = "/v1/x";
  problem.errors = {{"/a", "REQUIRED", "missing"}, {"/b/0", "IBAN_CHECKSUM", "wrong"}};
  EXPECT_EQ(RenderProblem(problem),
            R"({"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"Two rules are broken.",)"
            R"("instance":"/v1/x","errors":[{"pointer":"/a","code":"REQUIRED","detail":"missing"},)"
            R"({"pointer":"/b/0","code":"IBAN_CHECKSUM","detail":"wrong"}]})");
  EXPECT_EQ(RenderProblem(Problem(StatusCode::kNotFound)),
            R"({"type":"about:blank","title":"Not Found","status":404})");
}

TEST(ProblemTest, AwkwardTextStaysValidJson) {
  Problem problem(StatusCode::kBadRequest, "\xff quote \" \x01");
  boost::json::error_code error;
  const auto parsed = boost::json::parse(RenderProblem(problem), error);
  ASSERT_FALSE(error);
  EXPECT_EQ(parsed.at("detail").as_string(), "\xef\xbf\xbd quote \" \x01");
}

TEST(ProblemTest, RetryAfterIsInWholeSecondsRoundedUp) {
  Problem problem(StatusCode::kServiceUnavailable);
  problem.retry_after = absl::Milliseconds(1200);
  EXPECT_NE(ToResponse(problem).head().find("Retry-After: 2\r\n"), std::string::npos);
}

TEST(ProblemTest, EveryStatusHasItsPlaceInTheTable) {
  const auto of = [](absl::StatusCode code) { return ToInt(ProblemOf(absl::Status(code, "why")).status); };
  EXPECT_EQ(of(absl::StatusCode::kInvalidArgument), 400);
  EXPECT_EQ(of(absl::StatusCode::kNotFound), 404);
  EXPECT_EQ(of(absl::StatusCode::kAlreadyExists), 409);
  EXPECT_EQ(of(absl::StatusCode::kFailedPrecondition), 409);
  EXPECT_EQ(of(absl::StatusCode::kAborted), 412);
  EXPECT_EQ(of(absl::StatusCode::kResourceExhausted), 429);
  EXPECT_EQ(of(absl::StatusCode::kUnavailable), 503);
  EXPECT_EQ(of(absl::StatusCode::kDeadlineExceeded), 504);
  EXPECT_EQ(of(absl::StatusCode::kInternal), 500);
  EXPECT_EQ(of(absl::StatusCode::kDataLoss), 500);
  EXPECT_TRUE(ProblemOf(absl::UnavailableError("")).retry_after.has_value());
  EXPECT_TRUE(ProblemOf(absl::ResourceExhaustedError("")).retry_after.has_value());
}

TEST(ProblemTest, AReasonAndARetryHintAreShown) {
  const Problem problem =
      ProblemOf(WithRetryAfter(WithReason(absl::ResourceExhaustedError("16384 wait"), "QUEUE_FULL"), absl::Seconds(3)));
  EXPECT_EQ(problem.type, "urn:daybook:problem:queue-full");
  EXPECT_EQ(problem.retry_after, absl::Seconds(3));
}

TEST(ProblemTest, AnIdUsedForSomethingElseIs422) {
  EXPECT_EQ(ToInt(ProblemOf(WithReason(absl::AlreadyExistsError("used"), "COMMAND_ID_REUSED")).status), 422);
}

TEST(ProblemTest, AnInternalErrorTellsNothingOfTheInside) {
  EXPECT_EQ(ProblemOf(absl::InternalError("row 7 of /var/lib")).detail, "");
  EXPECT_EQ(ProblemOf(absl::NotFoundError("no such one")).detail, "no such one");
}

TEST(ProblemTest, ARefusalIs422WhereItIsABrokenRule) {
  const Problem rule = ProblemOf(Reject{Code::kInvalidArgument, "RULES_BROKEN", "no", {{"/iban", "IBAN", "bad"}}});
  EXPECT_EQ(rule.status, StatusCode::kUnprocessableContent);
  EXPECT_EQ(rule.type, "urn:daybook:problem:rules-broken");
  ASSERT_EQ(rule.errors.size(), 1u);
  EXPECT_EQ(rule.errors[0].pointer, "/iban");
  EXPECT_EQ(ProblemOf(Reject{Code::kFailedPrecondition, "", "", {}}).status, StatusCode::kConflict);
  EXPECT_EQ(ProblemOf(Reject{Code::kNotFound, "", "", {}}).status, StatusCode::kNotFound);
}

TEST(ResponseTest, AHeaderCannotBreakOutOfItsLine) {
  Response response(StatusCode::kOk);
  response.AddHeader("X-A\r\nX-B", "1\r\nX-C: 2\x7f");
  EXPECT_EQ(response.head(), "X-A--X-B: 1  X-C: 2 \r\n");
}

}  // namespace
}  // namespace daybook::http
