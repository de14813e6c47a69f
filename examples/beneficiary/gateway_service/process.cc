#include "beneficiary/gateway_service/process.h"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "beneficiary/gateway_service/gateway_metrics.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/http/server.h"
#include "daybook/observe/admin_endpoints.h"

namespace beneficiary::gateway_service {

namespace bus = daybook::bus;
namespace http = daybook::http;
namespace observe = daybook::observe;
using daybook::Log;
using daybook::LogLevel;

namespace {

constexpr absl::Duration kAdminDrain = absl::Seconds(1);

}  // namespace

struct Process::Impl {
  absl::Status StartAdmin();

  Settings settings;
  observe::Metrics metrics;
  observe::Health health;
  std::unique_ptr<observe::AdminEndpoints> pages;
  std::unique_ptr<bus::Bus> topics;
  std::unique_ptr<LiveGateway> live;
  std::unique_ptr<http::Server> admin;
};

absl::Status Process::Impl::StartAdmin() {
  if (settings.admin_address.empty()) return absl::OkStatus();
  metrics.AddProcessMetrics();
  pages = std::make_unique<observe::AdminEndpoints>(health, metrics,
                                                    observe::BuildInfo{"beneficiary-gateway", BENEFICIARY_VERSION, ""});
  http::Router router;
  http::AddPages(pages->endpoints(), router);
  router.Add(http::Method::kGet, "/status", http::Answering([this](const http::Request&) {
               return http::Response(http::StatusCode::kOk, "application/json", StatusJson(live->status()));
             }));
  http::ServerOptions options;
  options.address = settings.admin_address;
  DAYBOOK_ASSIGN_OR_RETURN(admin, http::Server::Start(std::move(router), options));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const Settings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->settings = settings;
  std::error_code error;
  std::filesystem::create_directories(settings.live.data_dir, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("the data directory ", settings.live.data_dir, " cannot be created: ", error.message()));
  }
  std::unique_ptr<Process> process(new Process(std::move(impl)));
  Impl& parts = *process->impl_;
  bus::KafkaOptions kafka = settings.kafka;
  kafka.figures = ShowFigures(parts.metrics);
  DAYBOOK_ASSIGN_OR_RETURN(parts.topics, bus::OpenKafkaBus(kafka));
  LiveGatewayOptions live = settings.live;
  live.on_published = PublishedLatency(parts.metrics);
  DAYBOOK_ASSIGN_OR_RETURN(parts.live, LiveGateway::Start(*parts.topics, live));
  ExposeLiveGateway(*parts.live, settings.live.sources, parts.metrics);
  parts.health.AddCheck("gateway", [live = parts.live.get()] { return live->Readiness(); });
  DAYBOOK_RETURN_IF_ERROR(parts.StartAdmin());
  Log(LogLevel::kInfo, "serving",
      {{"admin", parts.admin != nullptr ? parts.admin->address() : std::string("-")},
       {"kafka", settings.kafka.brokers},
       {"bos", absl::StrJoin(settings.live.sources, ",",
                             [](std::string* out, const BosSource& source) {
                               absl::StrAppend(out, source.instance, ":", source.prefix);
                             })},
       {"group", settings.live.group},
       {"data_dir", settings.live.data_dir}});
  return process;
}

Process::Process(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Process::~Process() { Stop(); }

void Process::Stop() {
  if (impl_ == nullptr) return;
  impl_->health.Set("stopping", absl::UnavailableError("the process is stopping"));
  if (impl_->live != nullptr) impl_->live->Stop(impl_->settings.drain_timeout);
  if (impl_->admin != nullptr) {
    const absl::Status drained = impl_->admin->Drain(kAdminDrain);
    if (!drained.ok()) Log(LogLevel::kWarning, "requests were cut off", {{"error", drained.ToString()}});
  }
  impl_->admin.reset();
  impl_->health.Remove("gateway");
  impl_.reset();
}

}  // namespace beneficiary::gateway_service
