#include "beneficiary/api/internal/write_exchange.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "beneficiary/domain/identity.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"
#include "daybook/base/uuid_source.h"

namespace beneficiary::api::internal {

namespace http = daybook::http;
namespace runtime = daybook::runtime;
using daybook::ToAbsl;
using daybook::ToStd;
using daybook::Violation;

namespace {

bool SaysJson(std::string_view content_type) {
  const absl::string_view media = absl::StripAsciiWhitespace(ToAbsl(content_type.substr(0, content_type.find(';'))));
  // The last one is what curl -d says of any body: whoever types it by hand means JSON.
  return absl::EqualsIgnoreCase(media, "application/json") ||
         absl::EqualsIgnoreCase(media, "application/merge-patch+json") ||
         absl::EqualsIgnoreCase(media, "application/x-www-form-urlencoded");
}

std::string TraceparentOf(const http::Request& request) {
  const std::string_view text = request.Header("traceparent").value_or("");
  const bool plausible = text.size() == 55 && text.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
  return plausible ? std::string(text) : std::string();
}

// A violation of an account points into B; the caller sent the account alone.
void PointIntoAccount(std::vector<Violation>& violations) {
  constexpr std::string_view kAccounts = "/bank_accounts/";
  for (Violation& violation : violations) {
    const std::string_view pointer = violation.pointer;
    if (pointer.substr(0, kAccounts.size()) != kAccounts) continue;
    const std::size_t rest = pointer.find('/', kAccounts.size());
    violation.pointer = rest == std::string_view::npos ? std::string() : std::string(pointer.substr(rest));
  }
}

http::Response Accepted(const WriteReply& reply) {
  http::Response response(http::StatusCode::kAccepted, http::kJson,
                          RenderOperation(Operation{reply.outcome, reply.pending}));
  response.AddHeader("Operation-Location", OperationPath(reply.outcome));
  return response;
}

http::Response Refused(const WriteReply& reply, BodyKind kind) {
  daybook::Reject rejection = *reply.outcome.rejection;
  if (kind == BodyKind::kBankAccount) PointIntoAccount(rejection.violations);
  return http::ToResponse(http::ProblemOf(rejection));
}

// Where what a POST created is found.
std::string LocationOf(const WriteReply& reply, BodyKind kind) {
  const std::string beneficiary = absl::StrCat("/v1/beneficiaries/", ToAbsl(reply.outcome.stream.key()));
  if (kind == BodyKind::kBeneficiary) return beneficiary;
  const daybook::Uuid account = daybook::NameBasedUuid(kNamespace, CreatedBankAccountName(reply.outcome.id, 0));
  return absl::StrCat(beneficiary, "/bank-accounts/", account.ToString());
}

http::Response Shown(const Service& service, const Caller& caller, const WriteReply& reply, Success success,
                     BodyKind kind) {
  if (success == Success::kNoContent) return http::Response(http::StatusCode::kNoContent);
  const std::string id(reply.outcome.stream.key());
  absl::StatusOr<Detail> detail = service.Get(caller, id);
  // Gone again, unreadable, or of a client that the caller may write and not read: what was accepted stays accepted.
  if (!detail.ok()) return Accepted(reply);
  const http::StatusCode status = success == Success::kCreated ? http::StatusCode::kCreated : http::StatusCode::kOk;
  http::Response response(status, http::kJson, std::move(detail->json));
  response.AddHeader("ETag", EntityTag(detail->revision));
  if (success == Success::kCreated) response.AddHeader("Location", LocationOf(reply, kind));
  return response;
}

}  // namespace

std::variant<WriteHead, http::Problem> ReadWriteHead(const RestContext& context, const Caller& caller,
                                                     const http::Request& request, std::string resource) {
  WriteHead head;
  head.caller = caller.name;
  head.resource = std::move(resource);
  const std::optional<std::string_view> key = request.Header("Idempotency-Key");
  if (!key && request.method() == http::Method::kPost) {
    return ProblemWith(http::StatusCode::kBadRequest, "IDEMPOTENCY_KEY_REQUIRED",
                       "A POST needs the header Idempotency-Key: 1 to 128 printable ASCII characters.");
  }
  if (key) {
    if (const absl::Status checked = CheckIdempotencyKey(*key); !checked.ok()) {
      return ProblemWith(http::StatusCode::kBadRequest, "IDEMPOTENCY_KEY_MALFORMED", std::string(checked.message()));
    }
    head.idempotency_key = std::string(*key);
  }
  absl::StatusOr<Prefer> prefer = Prefer::Parse(request.HeaderAll("Prefer"));
  if (!prefer.ok()) {
    return ProblemWith(http::StatusCode::kBadRequest, "PREFER_MALFORMED", std::string(prefer.status().message()));
  }
  if (const absl::Status known = context.service.CheckModels(prefer->models); !known.ok()) {
    return ProblemOfStatus(known);
  }
  head.prefer = *std::move(prefer);
  const std::optional<std::string_view> if_match = request.Header("If-Match");
  if (!if_match && request.method() == http::Method::kPatch) {
    return ProblemWith(http::StatusCode::kPreconditionRequired, "IF_MATCH_REQUIRED",
                       "A PATCH needs the header If-Match with the ETag of what it changes.");
  }
  if (if_match) {
    absl::StatusOr<IfMatch> condition = IfMatch::Parse(*if_match);
    if (!condition.ok()) {
      return ProblemWith(http::StatusCode::kBadRequest, "IF_MATCH_MALFORMED",
                         std::string(condition.status().message()));
    }
    head.if_match = std::string(*if_match);
    head.condition = *condition;
  }
  if (const auto type = request.Header("Content-Type"); type && !request.body().empty() && !SaysJson(*type)) {
    return http::Problem(http::StatusCode::kUnsupportedMediaType, "The body must be application/json.");
  }
  return head;
}

std::optional<http::Problem> ProblemOfBody(std::vector<Violation> malformed, std::vector<Violation> broken_rules) {
  if (malformed.empty() && broken_rules.empty()) return std::nullopt;
  http::Problem problem = malformed.empty()
                              ? ProblemWith(http::StatusCode::kUnprocessableContent, "VALIDATION_FAILED",
                                            "The request breaks rules; errors has each one.")
                              : ProblemWith(http::StatusCode::kBadRequest, "MALFORMED_BODY",
                                            "The body is not what this request takes; errors has each place.");
  problem.errors = std::move(malformed);
  problem.errors.insert(problem.errors.end(), std::make_move_iterator(broken_rules.begin()),
                        std::make_move_iterator(broken_rules.end()));
  return problem;
}

runtime::CommandOptions OptionsOf(const RestContext& context, const http::Request& request, const WriteHead& head,
                                  std::string_view canonical_body) {
  runtime::CommandOptions options;
  if (!head.idempotency_key.empty()) {
    options.id = CommandIdOfKey(head.caller, head.resource, head.idempotency_key);
    options.fingerprint =
        RequestFingerprint(http::MethodName(request.method()), request.path(), head.if_match, canonical_body);
  }
  if (head.condition) {
    options.expected = head.condition->kind == IfMatch::Kind::kAnything
                           ? daybook::store::ExpectedRevision::Exists()
                           : daybook::store::ExpectedRevision::Exactly(head.condition->revision);
  }
  options.actor = head.caller;
  options.traceparent = TraceparentOf(request);
  options.deadline = daybook::ToAbslTime(context.options.clock->Now()) + context.options.command_wait;
  return options;
}

void Execute(const SharedContext& context, const Caller& caller, WriteRequest write, const Prefer& prefer,
             Success success, BodyKind kind, http::Responder responder) {
  if (prefer.wait) write.wait = ShowWait{*prefer.wait, prefer.models};
  write.answer = success == Success::kNoContent ? WriteRequest::Answer::kNothing : WriteRequest::Answer::kBeneficiary;
  std::string applied = prefer.wait ? prefer.Applied() : std::string();
  context->service.Write(caller, std::move(write),
                         [context, caller, success, kind, applied = std::move(applied),
                          responder = std::move(responder)](absl::StatusOr<WriteReply> reply) mutable {
                           if (!reply.ok()) return responder.Send(ProblemOfStatus(reply.status()));
                           http::Response response = reply->outcome.rejection ? Refused(*reply, kind)
                                                     : reply->shown
                                                         ? Shown(context->service, caller, *reply, success, kind)
                                                         : Accepted(*reply);
                           response.AddHeader("Consistency-Token", TokenFor(reply->outcome).Encode());
                           if (!applied.empty() && !reply->outcome.rejection)
                             response.AddHeader("Preference-Applied", applied);
                           responder.Send(std::move(response));
                         });
}

}  // namespace beneficiary::api::internal
