#include "beneficiary/process.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "beneficiary/api/grpc_api.h"
#include "beneficiary/api/rest.h"
#include "beneficiary/app/bos_feed.h"
#include "beneficiary/app/engine.h"
#include "beneficiary/app/service.h"
#include "beneficiary/process_metrics.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/grpc/server.h"
#include "daybook/http/server.h"
#include "daybook/observe/admin_endpoints.h"

namespace beneficiary {

namespace http = daybook::http;
namespace observe = daybook::observe;
namespace rpc = daybook::rpc;
using daybook::Log;
using daybook::LogLevel;

namespace {

constexpr absl::Duration kAdminDrain = absl::Seconds(1);

http::Router AdminRouter(const observe::AdminEndpoints& admin) {
  http::Router router;
  for (const auto& [path, answer] : admin.endpoints()) {
    router.Add(http::Method::kGet, path, http::Answering([answer = answer](const http::Request& request) {
                 observe::AdminAnswer page = answer(request.raw_query());
                 return http::Response(http::StatusCode(page.status), page.content_type, std::move(page.body));
               }));
  }
  return router;
}

// A line a second while a file is ingested, and one at its end.
void LogIngestion(const BosFeed::Report& report) {
  const daybook::cdc::GatewayCounters& counters = report.progress.gateway;
  const double seconds = absl::ToDoubleSeconds(report.elapsed);
  const auto rate = seconds > 0 ? static_cast<std::int64_t>(static_cast<double>(counters.records) / seconds) : 0;
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  if (!report.done) {
    const auto& file = report.progress.file;
    const double share = file.bytes_total == 0 ? 0 : 100.0 * static_cast<double>(file.bytes_read) / file.bytes_total;
    return Log(LogLevel::kInfo, "ingesting recorded changes",
               {{"percent", static_cast<std::int64_t>(share)},
                {"records", number(counters.records)},
                {"records_per_second", rate},
                {"commands", number(counters.commands)},
                {"dead_letters", number(counters.dead_letters)}});
  }
  Log(report.status.ok() ? LogLevel::kInfo : LogLevel::kError,
      report.status.ok() ? "ingested recorded changes" : "ingestion has stopped",
      {{"records", number(counters.records)},
       {"applied", number(counters.applied)},
       {"skipped", number(counters.skipped_by_offset + counters.skipped_by_lsn)},
       {"transactions", number(counters.transactions)},
       {"commands", number(counters.commands)},
       {"suppressed", number(counters.suppressed)},
       {"dead_letters", number(counters.dead_letters)},
       {"parked", number(counters.parked)},
       {"seconds", seconds},
       {"records_per_second", rate},
       {"status", report.status.ToString()}});
}

}  // namespace

struct Process::Impl {
  absl::Status StartEngine();
  absl::Status StartEdges();
  absl::Status StartGrpc();
  absl::Status StartFeed();

  Settings settings;
  observe::Metrics metrics;
  observe::Health health;
  std::unique_ptr<observe::AdminEndpoints> admin_pages;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Service> service;
  std::unique_ptr<BosFeed> feed;
  std::unique_ptr<http::Server> admin;
  std::unique_ptr<http::Server> rest;
  std::unique_ptr<api::GrpcApi> grpc_services;
  std::unique_ptr<rpc::Server> grpc;
};

absl::Status Process::Impl::StartEngine() {
  std::error_code error;
  std::filesystem::create_directories(settings.data_dir + "/events", error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("the data directory ", settings.data_dir, " cannot be created: ", error.message()));
  }
  EngineOptions options;
  options.data_dir = settings.data_dir;
  options.outcome_retention = settings.outcome_retention;
  DAYBOOK_ASSIGN_OR_RETURN(engine, Engine::Open(options));
  Service::Options service_options;
  service_options.compat_instance = settings.compat_instance;
  service = std::make_unique<Service>(*engine, service_options);
  ExposeEngine(*engine, metrics);
  health.AddCheck("partition", [this] { return engine->partition().health(); });
  health.AddCheck("read_models", [this] { return engine->runner().Readiness(); });
  return absl::OkStatus();
}

absl::Status Process::Impl::StartEdges() {
  if (!settings.admin_address.empty()) {
    metrics.AddProcessMetrics();
    admin_pages = std::make_unique<observe::AdminEndpoints>(health, metrics,
                                                            observe::BuildInfo{"beneficiary", BENEFICIARY_VERSION, ""});
    http::ServerOptions options;
    options.address = settings.admin_address;
    DAYBOOK_ASSIGN_OR_RETURN(admin, http::Server::Start(AdminRouter(*admin_pages), options));
  }
  http::ServerOptions options;
  options.address = settings.http_address;
  options.io_threads = settings.http_threads;
  options.on_answered = HttpMetrics(metrics);
  api::RestOptions rest_options;
  rest_options.identity_header = settings.identity_header;
  DAYBOOK_ASSIGN_OR_RETURN(rest, http::Server::Start(api::MakeRouter(*service, rest_options), options));
  return StartGrpc();
}

absl::Status Process::Impl::StartGrpc() {
  if (settings.grpc_address.empty()) return absl::OkStatus();
  api::GrpcOptions api_options;
  api_options.identity_metadata = absl::AsciiStrToLower(settings.identity_header);
  grpc_services = std::make_unique<api::GrpcApi>(*service, api_options);
  rpc::ServerOptions options;
  options.address = settings.grpc_address;
  options.ready = [this] { return health.ready(); };
  options.on_answered = GrpcMetrics(metrics);
  DAYBOOK_ASSIGN_OR_RETURN(grpc, rpc::Server::Start(options, grpc_services->services()));
  return absl::OkStatus();
}

absl::Status Process::Impl::StartFeed() {
  if (settings.bos_instance.empty()) return absl::OkStatus();
  BosFeedOptions options;
  options.data_dir = settings.data_dir;
  options.instance = settings.bos_instance;
  options.records = settings.bos_records;
  DAYBOOK_ASSIGN_OR_RETURN(feed, BosFeed::Start(options, *engine, LogIngestion));
  ExposeFeed(*feed, metrics);
  health.AddCheck("gateway", [this] { return feed->Readiness(); });
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const Settings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->settings = settings;
  std::unique_ptr<Process> process(new Process(std::move(impl)));
  // Not ready before the feed has had its say.
  process->impl_->health.Set("starting", absl::UnavailableError("the process is starting"));
  DAYBOOK_RETURN_IF_ERROR(process->impl_->StartEngine());
  DAYBOOK_RETURN_IF_ERROR(process->impl_->StartEdges());
  DAYBOOK_RETURN_IF_ERROR(process->impl_->StartFeed());
  process->impl_->health.Remove("starting");
  Log(LogLevel::kInfo, "serving",
      {{"rest", process->impl_->rest->address()},
       {"grpc", process->impl_->grpc != nullptr ? process->impl_->grpc->address() : std::string("-")},
       {"admin", process->impl_->admin != nullptr ? process->impl_->admin->address() : std::string("-")},
       {"data_dir", settings.data_dir}});
  return process;
}

Process::Process(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Process::~Process() { Stop(); }

void Process::Stop() {
  if (impl_ == nullptr) return;
  impl_->health.Set("stopping", absl::UnavailableError("the process is stopping"));
  // What comes in goes first, what it stands on last.
  const auto drain = [](std::string_view edge, auto& server, absl::Duration limit) {
    if (server == nullptr) return;
    const absl::Status drained = server->Drain(limit);
    if (drained.ok()) return;
    Log(LogLevel::kWarning, "requests were cut off", {{"edge", std::string(edge)}, {"error", drained.ToString()}});
  };
  drain("rest", impl_->rest, impl_->settings.drain_timeout);
  drain("grpc", impl_->grpc, impl_->settings.drain_timeout);
  drain("admin", impl_->admin, kAdminDrain);
  if (impl_->feed != nullptr) impl_->feed->Stop();
  if (impl_->engine != nullptr) impl_->engine->Stop(impl_->settings.drain_timeout);
  impl_.reset();
}

}  // namespace beneficiary
