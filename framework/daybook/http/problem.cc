#include "daybook/http/problem.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "daybook/base/check.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"

namespace daybook::http {
namespace {

boost::json::string Text(std::string_view text) {
  return IsValidUtf8(text) ? boost::json::string(text.data(), text.size())
                           : boost::json::string(ReplaceInvalidUtf8(text));
}

std::string TypeOf(std::string_view reason) {
  std::string type = "urn:daybook:problem:";
  for (const char c : reason) {
    type.push_back(c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return type;
}

}  // namespace

std::string RenderProblem(const Problem& problem) {
  boost::json::object out;
  out["type"] = Text(problem.type);
  out["title"] = Text(problem.title);
  out["status"] = ToInt(problem.status);
  if (!problem.detail.empty()) out["detail"] = Text(problem.detail);
  if (!problem.instance.empty()) out["instance"] = Text(problem.instance);
  if (!problem.errors.empty()) {
    boost::json::array& errors = out["errors"].emplace_array();
    for (const Violation& violation : problem.errors) {
      errors.push_back(boost::json::object{
          {"pointer", Text(violation.pointer)}, {"code", Text(violation.code)}, {"detail", Text(violation.detail)}});
    }
  }
  return boost::json::serialize(out);
}

Response ToResponse(const Problem& problem) {
  Response response(problem.status, kProblemJson, RenderProblem(problem));
  if (problem.retry_after) {
    const auto seconds = absl::ToInt64Seconds(absl::Ceil(*problem.retry_after, absl::Seconds(1)));
    response.AddHeader("Retry-After", absl::StrCat(std::max<std::int64_t>(seconds, 0)));
  }
  return response;
}

StatusCode HttpStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return StatusCode::kOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return StatusCode::kBadRequest;
    case absl::StatusCode::kUnauthenticated:
      return StatusCode::kUnauthorized;
    case absl::StatusCode::kPermissionDenied:
      return StatusCode::kForbidden;
    case absl::StatusCode::kNotFound:
      return StatusCode::kNotFound;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return StatusCode::kConflict;
    case absl::StatusCode::kAborted:
      return StatusCode::kPreconditionFailed;
    case absl::StatusCode::kResourceExhausted:
      return StatusCode::kTooManyRequests;
    case absl::StatusCode::kUnimplemented:
      return StatusCode::kNotImplemented;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
      return StatusCode::kServiceUnavailable;
    case absl::StatusCode::kDeadlineExceeded:
      return StatusCode::kGatewayTimeout;
    default:
      return StatusCode::kInternalServerError;
  }
}

StatusCode HttpStatusOf(Code code) {
  if (code == Code::kInvalidArgument) return StatusCode::kUnprocessableContent;
  return HttpStatusOf(static_cast<absl::StatusCode>(code));
}

Problem ProblemOf(const absl::Status& status) {
  DAYBOOK_CHECK(!status.ok(), "only an error is a problem");
  const std::string reason = ReasonOf(status);
  const bool reused = reason == "COMMAND_ID_REUSED";
  Problem problem(reused ? StatusCode::kUnprocessableContent : HttpStatusOf(status.code()),
                  std::string(status.message()));
  if (problem.status == StatusCode::kInternalServerError) problem.detail.clear();
  if (problem.status == StatusCode::kTooManyRequests || problem.status == StatusCode::kServiceUnavailable) {
    problem.retry_after = RetryAfterOf(status).value_or(absl::Seconds(1));
  }
  if (!reason.empty()) problem.type = TypeOf(reason);
  return problem;
}

Problem ProblemOf(const Reject& reject) {
  Problem problem(HttpStatusOf(reject.code), reject.message);
  if (!reject.reason.empty()) problem.type = TypeOf(reject.reason);
  problem.errors = reject.violations;
  return problem;
}

}  // namespace daybook::http
