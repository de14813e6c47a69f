#include "daybook/grpc/status.h"

#include <gmock/gmock.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "daybook/base/reason.h"

namespace daybook::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(GrpcStatusTest, CodesAndMessagesAreKeptBothWays) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    const ::grpc::Status wire = ToGrpc(status, ErrorDetails{});
    EXPECT_EQ(wire.error_code(), code);
    EXPECT_EQ(FromGrpc(wire), status);
  }
  EXPECT_TRUE(ToGrpc(absl::OkStatus(), "d").ok());
  EXPECT_TRUE(FromGrpc(::grpc::Status::OK).ok());
}

TEST(GrpcStatusTest, DetailsComeBackAsTheyWere) {
  ErrorDetails details;
  details.reason = "RULES_BROKEN";
  details.domain = "beneficiary.daybook";
  details.metadata = {{"stream", "a-1"}, {"revision", "7"}};
  details.violations = {{"/bank_accounts/0/iban", "IBAN_CHECKSUM", "wrong"}, {"/name", "REQUIRED", "missing"}};
  details.retry_after = absl::Milliseconds(1500);
  const ::grpc::Status wire = ToGrpc(absl::InvalidArgumentError("no"), details);
  EXPECT_EQ(DetailsOf(wire).value(), details);
}

TEST(GrpcStatusTest, ReasonAndRetryHintTravel) {
  const absl::Status status =
      WithRetryAfter(WithReason(absl::ResourceExhaustedError("full"), "QUEUE_FULL"), absl::Milliseconds(250));
  const ::grpc::Status wire = ToGrpc(status, "d");
  EXPECT_EQ(DetailsOf(wire)->domain, "d");
  const absl::Status back = FromGrpc(wire);
  EXPECT_EQ(ReasonOf(back), "QUEUE_FULL");
  EXPECT_EQ(RetryAfterOf(back), absl::Milliseconds(250));
}

TEST(GrpcStatusTest, ARefusalBecomesErrorInfoAndBadRequest) {
  const ::grpc::Status wire = ToGrpc(
      Reject{Code::kFailedPrecondition, "NOT_ACTIVE", "It is not active.", {{"/status", "STATE", "is inactive"}}}, "d");
  EXPECT_EQ(wire.error_code(), ::grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(wire.error_message(), "It is not active.");
  EXPECT_EQ(DetailsOf(wire)->reason, "NOT_ACTIVE");
  EXPECT_THAT(DetailsOf(wire)->violations, ElementsAre(Violation{"/status", "STATE", "is inactive"}));
}

TEST(GrpcStatusTest, TheInsideIsNotTold) {
  for (const auto& status : {absl::InternalError("row 7"), absl::DataLossError("row 7"), absl::UnknownError("row 7")}) {
    EXPECT_EQ(ToGrpc(status, "d").error_message(), "internal error");
  }
}

TEST(GrpcStatusTest, WhateverIsWrongTheTrailersStaySmall) {
  ErrorDetails details;
  details.reason = std::string(5000, 'R');
  for (int i = 0; i < 500; ++i) {
    details.violations.push_back({"/a/" + std::to_string(i), "CODE", std::string(300, 'x')});
    details.metadata[std::to_string(i)] = std::string(100, 'm');
  }
  const ::grpc::Status wire = ToGrpc(absl::InvalidArgumentError(std::string(100'000, 'm')), details);
  EXPECT_LT(wire.error_message().size() + wire.error_details().size() * 4 / 3, 6u << 10);
  const ErrorDetails back = DetailsOf(wire).value();
  EXPECT_GT(back.violations.size(), 3u);
  EXPECT_EQ(back.metadata.at("violations_omitted"), std::to_string(500 - back.violations.size()));
}

TEST(GrpcStatusTest, BadUtf8IsReplaced) {
  const ::grpc::Status wire = ToGrpc(Reject{Code::kInvalidArgument, "R", "\xff", {{"/\xff", "\xff", "\xff"}}}, "d");
  EXPECT_EQ(wire.error_message(), "\xef\xbf\xbd");
  EXPECT_EQ(DetailsOf(wire)->violations.at(0).detail, "\xef\xbf\xbd");
}

TEST(GrpcStatusTest, RubbishInTheTrailerIsDataLoss) {
  const ::grpc::Status wire(::grpc::StatusCode::INTERNAL, "x", "\xff\xff\xff");
  EXPECT_EQ(DetailsOf(wire).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(FromGrpc(wire).code(), absl::StatusCode::kInternal);
}

TEST(FieldPathTest, PointersBecomePathsAndBack) {
  for (const auto& [pointer, path] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {"/name", "name"}, {"/bank_accounts/0/iban", "bank_accounts[0].iban"}, {"/a/1", "a[1]"}}) {
    EXPECT_EQ(FieldPath(pointer), path);
    EXPECT_EQ(JsonPointer(path), pointer);
  }
  EXPECT_EQ(FieldPath("/name", "beneficiary"), "beneficiary.name");
  EXPECT_EQ(FieldPath("", "beneficiary"), "beneficiary");
}

}  // namespace
}  // namespace daybook::rpc
