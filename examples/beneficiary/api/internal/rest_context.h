#ifndef BENEFICIARY_API_INTERNAL_REST_CONTEXT_H_
#define BENEFICIARY_API_INTERNAL_REST_CONTEXT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "beneficiary/api/admission.h"
#include "beneficiary/api/identifiers.h"
#include "beneficiary/api/rest.h"
#include "beneficiary/app/service.h"
#include "daybook/http/problem.h"
#include "daybook/http/request.h"
#include "daybook/http/responder.h"
#include "daybook/http/response.h"

namespace beneficiary::api::internal {

// What every handler of one router shares.
struct RestContext {
  Service& service;
  const RestOptions options;
  const std::shared_ptr<Admission> admission;
};
using SharedContext = std::shared_ptr<const RestContext>;

// What a handler comes to.
using Answer = std::variant<daybook::http::Response, daybook::http::Problem>;
void SendAnswer(daybook::http::Responder& responder, Answer answer);

// A problem with a type of its own: urn:daybook:problem:<reason>, the reason as in "IF_MATCH_REQUIRED".
daybook::http::Problem ProblemWith(daybook::http::StatusCode status, std::string_view reason, std::string detail);

// Serves one request of a caller that has been admitted. A view of the caller lives as long as the call.
using CallerHandler = absl::AnyInvocable<void(const Caller&, daybook::http::Request, daybook::http::Responder) const>;

// A refusal as a route shows it.
using Refuse = daybook::http::Response (*)(const absl::Status&, const daybook::http::Request&);
daybook::http::Response RefuseWithProblem(const absl::Status& refusal, const daybook::http::Request& request);

// A route before the admission stands in front of it.
struct Route {
  daybook::http::Method method;
  std::string path_template;
  CallerHandler handler;
  Refuse refuse = RefuseWithProblem;
};

// The one way from a route to a handler of the router: admits the caller, or refuses.
daybook::http::Handler Admitting(SharedContext context, CallerHandler handler, Refuse refuse);

// The challenge that a 401 must have; it names no scheme that a client could answer, for the proxy in front does.
inline constexpr std::string_view kChallenge = "Proxy-Established realm=\"beneficiary\"";

// An error of the service over HTTP. A key used for two different requests is 422.
daybook::http::Problem ProblemOfStatus(const absl::Status& status);

// The last place that the request's Consistency-Token headers name; Position 0 if there is none. kInvalidArgument: one
// is not a token of this service.
absl::StatusOr<daybook::Position> TokenOf(const daybook::http::Request& request);

// Answers with `read` as soon as `model` shows what the request's Consistency-Token asks for; 400 and 503 as a problem.
using Read = std::function<Answer(const Caller&, const daybook::http::Request&)>;
void ReadWhenFresh(const SharedContext& context, std::string_view model, const Caller& caller,
                   daybook::http::Request request, daybook::http::Responder responder, Read read);

// {"id":…,"status":…,"resource":…,"version":…,"consistency_token":…,"pending":[…],"error":…}
std::string RenderOperation(const Operation& operation);

ConsistencyToken TokenFor(const daybook::runtime::CommandOutcome& outcome);
std::string OperationPath(const daybook::runtime::CommandOutcome& outcome);

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_REST_CONTEXT_H_
