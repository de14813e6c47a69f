#include "beneficiary/api/internal/rest_reads.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "beneficiary/api/conditions.h"
#include "beneficiary/api/requirements.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/http/query.h"

namespace beneficiary::api::internal {

namespace http = daybook::http;
using daybook::ToAbsl;

namespace {

absl::Status BadParameter(std::string_view name, std::string_view what) {
  return daybook::WithReason(absl::InvalidArgumentError(absl::StrCat("Parameter ", ToAbsl(name), ": ", ToAbsl(what))),
                             "BAD_PARAMETER");
}

// The parameters, of which only `known` ones may be there, once each.
absl::StatusOr<http::Query> ReadQuery(const http::Request& request, std::initializer_list<std::string_view> known) {
  DAYBOOK_ASSIGN_OR_RETURN(http::Query query, http::Query::Parse(request.raw_query(), http::QuerySyntax::kStrict));
  for (const auto& [name, value] : query.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return BadParameter(name, "there is no such parameter here.");
    }
    if (query.All(name).size() > 1) return BadParameter(name, "given more than once.");
  }
  return query;
}

// An empty value is no filter.
std::optional<std::string> Filter(const http::Query& query, std::string_view name) {
  const std::optional<std::string_view> value = query.Last(name);
  if (!value || value->empty()) return std::nullopt;
  return std::string(*value);
}

absl::StatusOr<ListRequest> ReadListRequest(const http::Request& request) {
  DAYBOOK_ASSIGN_OR_RETURN(const http::Query query, ReadQuery(request, {"limit", "cursor", "status", "currency",
                                                                        "bank_country", "iban", "q", "instance"}));
  ListRequest list;
  list.filter.client_id = std::string(request.PathParam("client_id"));
  if (const auto limit = query.Last("limit")) {
    const char* const last = limit->data() + limit->size();
    const auto [end, error] = std::from_chars(limit->data(), last, list.limit);
    if (error != std::errc() || end != last || list.limit < 1 || list.limit > ListQuery::kLimitMax) {
      return BadParameter("limit", absl::StrCat("expected a whole number from 1 to ", ListQuery::kLimitMax, "."));
    }
  }
  if (const auto status = Filter(query, "status")) {
    if (*status == "active") {
      list.filter.status = ListFilter::Status::kActive;
    } else if (*status == "inactive") {
      list.filter.status = ListFilter::Status::kInactive;
    } else if (*status == "deleted") {
      list.filter.status = ListFilter::Status::kDeleted;
    } else {
      return BadParameter("status", "expected active, inactive or deleted.");
    }
  }
  list.cursor = Filter(query, "cursor").value_or("");
  list.filter.currency = Filter(query, "currency");
  list.filter.bank_country = Filter(query, "bank_country");
  list.filter.iban = Filter(query, "iban");
  list.filter.q = Filter(query, "q");
  list.filter.instance = Filter(query, "instance");
  return list;
}

Answer ListBeneficiaries(const Service& service, const Caller& caller, const http::Request& request) {
  const absl::StatusOr<ListRequest> list = ReadListRequest(request);
  if (!list.ok()) return ProblemOfStatus(list.status());
  std::string body;
  const absl::StatusOr<ListPage> page = service.AppendList(caller, *list, body);
  if (!page.ok()) return ProblemOfStatus(page.status());
  return http::Response(http::StatusCode::kOk, http::kJson, std::move(body));
}

Answer GetBeneficiary(const Service& service, const Caller& caller, const http::Request& request) {
  if (const auto query = ReadQuery(request, {}); !query.ok()) return ProblemOfStatus(query.status());
  absl::StatusOr<Detail> detail = service.Get(caller, request.PathParam("id"));
  if (!detail.ok()) return ProblemOfStatus(detail.status());
  const std::string tag = EntityTag(detail->revision);
  for (const std::string_view header : request.HeaderAll("If-None-Match")) {
    if (!NoneMatchNames(header, tag)) continue;
    http::Response unchanged(http::StatusCode::kNotModified);
    unchanged.AddHeader("ETag", tag);
    return unchanged;
  }
  http::Response response(http::StatusCode::kOk, http::kJson, std::move(detail->json));
  response.AddHeader("ETag", tag);
  return response;
}

Answer GetValidation(const Service& service, const Caller& caller, const http::Request& request) {
  if (const auto query = ReadQuery(request, {}); !query.ok()) return ProblemOfStatus(query.status());
  absl::StatusOr<std::string> warnings = service.Validation(caller, request.PathParam("id"));
  if (!warnings.ok()) return ProblemOfStatus(warnings.status());
  return http::Response(http::StatusCode::kOk, http::kJson, *std::move(warnings));
}

Answer GetOperation(Service& service, const Caller& caller, const http::Request& request) {
  if (const auto query = ReadQuery(request, {}); !query.ok()) return ProblemOfStatus(query.status());
  const std::optional<OperationId> id = OperationId::Parse(request.PathParam("operation_id"));
  if (!id) return ProblemWith(http::StatusCode::kNotFound, "OPERATION_NOT_FOUND", "There is no such operation.");
  const absl::StatusOr<Operation> operation = service.FindOperation(caller, id->partition, id->command_id);
  if (!operation.ok()) return ProblemOfStatus(operation.status());
  http::Response response(http::StatusCode::kOk, http::kJson, RenderOperation(*operation));
  response.AddHeader("Consistency-Token", TokenFor(operation->outcome).Encode());
  return response;
}

Answer GetRequirements(const http::Request& request) {
  const absl::StatusOr<http::Query> query = ReadQuery(request, {"bank_country", "currency", "type"});
  if (!query.ok()) return ProblemOfStatus(query.status());
  const absl::StatusOr<std::vector<Requirement>> rules = FindRequirements(
      query->Last("bank_country").value_or(""), query->Last("currency").value_or(""), query->Last("type").value_or(""));
  if (!rules.ok()) return ProblemOfStatus(rules.status());
  return http::Response(http::StatusCode::kOk, http::kJson, RenderRequirements(*rules));
}

}  // namespace

void AddReads(const SharedContext& context, std::vector<Route>& out) {
  const auto add = [&](std::string path, std::string_view model, auto read) {
    out.push_back({http::Method::kGet, std::move(path),
                   [context, model = std::string(model), read](const Caller& caller, http::Request request,
                                                               http::Responder responder) {
                     ReadWhenFresh(context, model, caller, std::move(request), std::move(responder),
                                   [context, read](const Caller& of, const http::Request& r) {
                                     return read(context->service, of, r);
                                   });
                   }});
  };
  add("/v1/clients/{client_id}/beneficiaries", ListProjection::kName, ListBeneficiaries);
  add("/v1/beneficiaries/{id}", DetailProjection::kName, GetBeneficiary);
  add("/v1/beneficiaries/{id}/validation", DetailProjection::kName, GetValidation);
  // Operations come from the log itself, where a token can only name what is there.
  out.push_back({http::Method::kGet, "/v1/operations/{operation_id}",
                 [context](const Caller& caller, const http::Request& request, http::Responder responder) {
                   const absl::StatusOr<daybook::Position> token = TokenOf(request);
                   if (!token.ok()) return responder.Send(ProblemOfStatus(token.status()));
                   SendAnswer(responder, GetOperation(context->service, caller, request));
                 }});
  // No client's: for every caller.
  out.push_back({http::Method::kGet, "/v1/beneficiary-requirements",
                 [](const Caller&, const http::Request& request, http::Responder responder) {
                   SendAnswer(responder, GetRequirements(request));
                 }});
}

}  // namespace beneficiary::api::internal
