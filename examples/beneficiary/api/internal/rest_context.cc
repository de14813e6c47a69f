#include "beneficiary/api/internal/rest_context.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "beneficiary/projections/render.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"

namespace beneficiary::api::internal {

namespace http = daybook::http;
namespace runtime = daybook::runtime;
using daybook::Position;
using daybook::ToAbsl;

void SendAnswer(http::Responder& responder, Answer answer) {
  if (auto* problem = std::get_if<http::Problem>(&answer)) return responder.Send(std::move(*problem));
  responder.Send(std::get<http::Response>(std::move(answer)));
}

http::Problem ProblemWith(http::StatusCode status, std::string_view reason, std::string detail) {
  http::Problem problem(status, std::move(detail));
  problem.type =
      absl::StrCat("urn:daybook:problem:", absl::StrReplaceAll(absl::AsciiStrToLower(ToAbsl(reason)), {{"_", "-"}}));
  return problem;
}

http::Problem ProblemOfStatus(const absl::Status& status) {
  const std::string reason = daybook::ReasonOf(status);
  if (reason == "COMMAND_ID_REUSED") {
    return ProblemWith(http::StatusCode::kUnprocessableContent, "IDEMPOTENCY_KEY_REUSED",
                       "This Idempotency-Key was used with another request; take a new one.");
  }
  http::Problem problem = http::ProblemOf(status);
  if (!reason.empty() && problem.status != http::StatusCode::kInternalServerError) {
    problem.type = ProblemWith(problem.status, reason, "").type;
  }
  if (const auto delay = daybook::RetryAfterOf(status)) problem.retry_after = delay;
  return problem;
}

absl::StatusOr<Position> TokenOf(const http::Request& request) {
  Position newest;
  for (const std::string_view text : request.HeaderAll("Consistency-Token")) {
    const absl::StatusOr<Position> position = PositionOfToken(text);
    if (!position.ok()) return position.status();
    newest = std::max(newest, *position);
  }
  return newest;
}

http::Response RefuseWithProblem(const absl::Status& refusal, const http::Request& request) {
  http::Problem problem = ProblemOfStatus(refusal);
  problem.instance = std::string(request.path());
  return http::ToResponse(problem);
}

http::Handler Admitting(SharedContext context, CallerHandler handler, Refuse refuse) {
  return [context = std::move(context), handler = std::move(handler), refuse](http::Request request,
                                                                              http::Responder responder) {
    const absl::StatusOr<Caller> caller = context->admission->Admit(
        "rest", [&](std::string_view header) { return request.HeaderAll(header); }, request.peer());
    if (caller.ok()) return handler(*caller, std::move(request), std::move(responder));
    http::Response response = refuse(caller.status(), request);
    if (response.status() == http::StatusCode::kUnauthorized) response.AddHeader("WWW-Authenticate", kChallenge);
    responder.Send(std::move(response));
  };
}

void ReadWhenFresh(const SharedContext& context, std::string_view model, const Caller& caller, http::Request request,
                   http::Responder responder, Read read) {
  const absl::StatusOr<Position> token = TokenOf(request);
  if (!token.ok()) return responder.Send(ProblemOfStatus(token.status()));
  if (*token == Position()) return SendAnswer(responder, read(caller, request));
  context->service.WhenFresh(model, *token, context->options.freshness_wait,
                             [caller, request = std::move(request), responder = std::move(responder),
                              read = std::move(read)](const absl::Status& fresh) mutable {
                               if (!fresh.ok()) return responder.Send(ProblemOfStatus(fresh));
                               SendAnswer(responder, read(caller, request));
                             });
}

ConsistencyToken TokenFor(const runtime::CommandOutcome& outcome) {
  return ConsistencyToken{std::string(Beneficiary::kCategory), outcome.partition, outcome.position};
}

std::string OperationPath(const runtime::CommandOutcome& outcome) {
  return absl::StrCat("/v1/operations/", OperationId{outcome.partition, outcome.id}.Encode());
}

std::string RenderOperation(const Operation& operation) {
  const runtime::CommandOutcome& outcome = operation.outcome;
  std::string out = absl::StrCat("{\"id\":\"", OperationId{outcome.partition, outcome.id}.Encode(), "\",\"status\":\"",
                                 outcome.rejection ? "failed" : "succeeded", "\",\"resource\":");
  AppendJsonString(absl::StrCat("/v1/beneficiaries/", ToAbsl(outcome.stream.key())), LineSeparators::kRaw, out);
  absl::StrAppend(&out, ",\"version\":", outcome.revision.value(), ",\"consistency_token\":\"",
                  TokenFor(outcome).Encode(), "\",\"pending\":[");
  for (const std::string& model : operation.pending) {
    if (out.back() != '[') out.push_back(',');
    AppendJsonString(model, LineSeparators::kRaw, out);
  }
  out += "],\"error\":";
  if (outcome.rejection) {
    http::Problem problem = http::ProblemOf(*outcome.rejection);
    problem.instance = OperationPath(outcome);
    out += http::RenderProblem(problem);
  } else {
    out += "null";
  }
  out.push_back('}');
  return out;
}

}  // namespace beneficiary::api::internal
