#include "beneficiary/api/rest.h"

#include <memory>
#include <utility>

#include "beneficiary/api/internal/openapi_document.h"
#include "beneficiary/api/internal/rest_compat.h"
#include "beneficiary/api/internal/rest_context.h"
#include "beneficiary/api/internal/rest_reads.h"
#include "beneficiary/api/internal/rest_writes.h"

namespace beneficiary::api {

namespace http = daybook::http;

namespace {

bool IsOfTheCommandSide(const internal::Route& route) {
  return route.method != http::Method::kGet || route.path_template.starts_with("/v1/operations/");
}

}  // namespace

std::vector<Endpoint> Endpoints(Service& service, const RestOptions& options) {
  const auto context = std::make_shared<const internal::RestContext>(internal::RestContext{
      service, options,
      options.admission != nullptr ? options.admission : std::make_shared<Admission>(AdmissionOptions())});
  std::vector<internal::Route> routes;
  internal::AddReads(context, routes);
  internal::AddWrites(context, routes);
  internal::AddCompat(context, routes);
  routes.push_back(
      {http::Method::kGet, "/openapi.json", [](const Caller&, const http::Request&, http::Responder responder) {
         responder.Send(http::Response(http::StatusCode::kOk, http::kJson, std::string(internal::OpenApiDocument())));
       }});
  std::vector<Endpoint> out;
  for (internal::Route& route : routes) {
    if (service.serves() == Service::Serves::kReads && IsOfTheCommandSide(route)) {
      route.handler = [](const Caller&, const http::Request&, http::Responder responder) {
        responder.Send(internal::ProblemOfStatus(Service::NotServedHere()));
      };
    }
    out.push_back(
        {route.method, route.path_template, internal::Admitting(context, std::move(route.handler), route.refuse)});
  }
  return out;
}

http::Router MakeRouter(Service& service, const RestOptions& options) {
  http::Router router;
  for (Endpoint& endpoint : Endpoints(service, options)) {
    router.Add(endpoint.method, endpoint.path_template, std::move(endpoint.handler));
  }
  return router;
}

}  // namespace beneficiary::api
