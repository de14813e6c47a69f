#include "beneficiary/serving/edges.h"

#include <utility>

#include "beneficiary/admin/admin_server.h"
#include "beneficiary/api/admission.h"
#include "beneficiary/api/grpc_api.h"
#include "beneficiary/api/rest.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"

namespace beneficiary {

namespace http = daybook::http;
namespace observe = daybook::observe;
namespace rpc = daybook::rpc;
using daybook::Log;
using daybook::LogLevel;

struct Edges::Impl {
  Impl(Service& s, observe::Health& h, observe::Metrics& m, EdgeOptions o)
      : service(s), health(h), metrics(m), options(std::move(o)), admission(MakeAdmission()) {}

  // One for both edges: a caller's requests count together.
  std::shared_ptr<api::Admission> MakeAdmission() {
    api::AdmissionOptions of_callers = options.settings.admission;
    of_callers.on_refused = RefusalMetrics(metrics);
    of_callers.opens_when = options.opens_when;
    return std::make_shared<api::Admission>(std::move(of_callers));
  }

  absl::Status StartAdmin();
  absl::Status StartRest();
  absl::Status StartGrpc();

  Service& service;
  observe::Health& health;
  observe::Metrics& metrics;
  const EdgeOptions options;
  const std::shared_ptr<api::Admission> admission;
  std::unique_ptr<api::GrpcApi> grpc_services;
  std::unique_ptr<AdminServer> admin;
  std::unique_ptr<http::Server> rest;
  std::unique_ptr<rpc::Server> grpc;
};

absl::Status Edges::Impl::StartAdmin() {
  if (options.settings.admin_address.empty()) return absl::OkStatus();
  http::Router more;
  http::AddPages(options.pages, more);
  DAYBOOK_ASSIGN_OR_RETURN(
      admin, AdminServer::Start(options.settings.admin_address, options.build, health, metrics, std::move(more)));
  return absl::OkStatus();
}

absl::Status Edges::Impl::StartRest() {
  http::ServerOptions server;
  server.address = options.settings.http_address;
  server.io_threads = options.settings.http_threads;
  server.tls = options.settings.tls;
  server.on_answered = HttpMetrics(metrics);
  api::RestOptions rest_options;
  rest_options.admission = admission;
  DAYBOOK_ASSIGN_OR_RETURN(rest, http::Server::Start(api::MakeRouter(service, rest_options), server));
  return absl::OkStatus();
}

absl::Status Edges::Impl::StartGrpc() {
  if (options.settings.grpc_address.empty()) return absl::OkStatus();
  api::GrpcOptions api_options;
  api_options.admission = admission;
  grpc_services = std::make_unique<api::GrpcApi>(service, api_options);
  rpc::ServerOptions server;
  server.address = options.settings.grpc_address;
  server.tls = options.settings.tls;
  server.ready = [this] { return health.ready(); };
  server.on_answered = GrpcMetrics(metrics);
  DAYBOOK_ASSIGN_OR_RETURN(grpc, rpc::Server::Start(server, grpc_services->services()));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Edges>> Edges::Start(Service& service, observe::Health& health,
                                                    observe::Metrics& metrics, EdgeOptions options) {
  std::unique_ptr<Edges> edges(new Edges(std::make_unique<Impl>(service, health, metrics, std::move(options))));
  DAYBOOK_RETURN_IF_ERROR(edges->impl_->StartAdmin());
  DAYBOOK_RETURN_IF_ERROR(edges->impl_->StartRest());
  DAYBOOK_RETURN_IF_ERROR(edges->impl_->StartGrpc());
  return edges;
}

Edges::Edges(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Edges::~Edges() { Drain(); }

void Edges::Drain() {
  const auto drain = [limit = impl_->options.settings.drain_timeout](std::string_view edge, auto& server) {
    if (server == nullptr) return;
    const absl::Status drained = server->Drain(limit);
    server.reset();
    if (drained.ok()) return;
    Log(LogLevel::kWarning, "requests were cut off", {{"edge", std::string(edge)}, {"error", drained.ToString()}});
  };
  drain("rest", impl_->rest);
  drain("grpc", impl_->grpc);
  impl_->admin.reset();
}

std::string Edges::rest_address() const { return impl_->rest != nullptr ? impl_->rest->address() : "-"; }
std::string Edges::grpc_address() const { return impl_->grpc != nullptr ? impl_->grpc->address() : "-"; }
std::string Edges::admin_address() const { return impl_->admin != nullptr ? impl_->admin->address() : "-"; }

}  // namespace beneficiary
