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

bool IsOfTheCommandSide(const Endpoint& endpoint) {
  return endpoint.method != http::Method::kGet || endpoint.path_template.starts_with("/v1/operations/");
}

}  // namespace

std::vector<Endpoint> Endpoints(Service& service, const RestOptions& options) {
  const auto context = std::make_shared<const internal::RestContext>(internal::RestContext{service, options});
  std::vector<Endpoint> out;
  internal::AddReads(context, out);
  internal::AddWrites(context, out);
  internal::AddCompat(context, out);
  out.push_back({http::Method::kGet, "/openapi.json", http::Answering([](const http::Request&) {
                   return http::Response(http::StatusCode::kOk, http::kJson, std::string(internal::OpenApiDocument()));
                 })});
  if (service.serves() == Service::Serves::kReads) {
    for (Endpoint& endpoint : out) {
      if (!IsOfTheCommandSide(endpoint)) continue;
      endpoint.handler =
          http::Answering([](const http::Request&) { return internal::ProblemOfStatus(Service::NotServedHere()); });
    }
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
