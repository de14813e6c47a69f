#ifndef DAYBOOK_HTTP_PROBLEM_H_
#define DAYBOOK_HTTP_PROBLEM_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daybook/core/decision.h"
#include "daybook/http/response.h"
#include "daybook/http/types.h"

namespace daybook::http {

// An error answer (RFC 9457), rendered as
// {"type":…,"title":…,"status":…,"detail":…,"instance":…,"errors":[{"pointer":…,"code":…,"detail":…}]}.
//
//   Problem problem(StatusCode::kUnprocessableContent, "The IBAN's check digits do not match.");
//   problem.errors.push_back({"/bank_accounts/0/iban", "IBAN_CHECKSUM", "…"});
//   responder.Send(std::move(problem));
//
// Thread safety: a value type.
// Invariants of the rendering: keys in the order above; "detail", "instance" and "errors" only if not empty; text that
// is not UTF-8 is replaced by U+FFFD, so the result is always valid JSON.
struct Problem {
  explicit Problem(StatusCode http_status, std::string text = "")
      : title(ReasonPhrase(http_status)), status(http_status), detail(std::move(text)) {}

  std::string type = "about:blank";
  std::string title;
  StatusCode status;
  std::string detail;
  std::string instance;                       // Responder::Send fills in the request's path if empty
  std::vector<Violation> errors;              // core/decision.h
  std::optional<absl::Duration> retry_after;  // becomes the header Retry-After, in whole seconds, rounded up
};

// The body as JSON.
std::string RenderProblem(const Problem& problem);

// The whole answer, with content type and Retry-After.
Response ToResponse(const Problem& problem);

// What an error of the framework means over HTTP: kInvalidArgument and kOutOfRange 400, kUnauthenticated 401,
// kPermissionDenied 403, kNotFound 404, kAlreadyExists and kFailedPrecondition 409, kAborted 412, kResourceExhausted
// 429, kUnimplemented 501, kUnavailable and kCancelled 503, kDeadlineExceeded 504, all others 500.
StatusCode HttpStatusOf(absl::StatusCode code);

// The same for a domain's refusal, where kInvalidArgument is a broken rule: 422, not 400.
StatusCode HttpStatusOf(Code code);

// The status as a problem: its message is the detail, except for 500, whose detail says nothing of the inside (log it).
// A reason (base/reason.h) becomes the type, "urn:daybook:problem:queue-full" for QUEUE_FULL; 429 and 503 carry
// Retry-After, by the status's hint or 1. COMMAND_ID_REUSED is 422. Precondition (checked): not OK.
Problem ProblemOf(const absl::Status& status);

// The refusal as a problem: the type from its reason likewise, its message as detail, its violations as errors.
Problem ProblemOf(const Reject& reject);

}  // namespace daybook::http

#endif  // DAYBOOK_HTTP_PROBLEM_H_
