#include "beneficiary/gateway_service/process.h"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "beneficiary/admin/admin_server.h"
#include "beneficiary/admin/bus_figures.h"
#include "beneficiary/gateway_service/gateway_metrics.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"

namespace beneficiary::gateway_service {

namespace bus = daybook::bus;
namespace http = daybook::http;
namespace observe = daybook::observe;
using daybook::Log;
using daybook::LogLevel;

struct Process::Impl {
  absl::Status StartAdmin();

  Settings settings;
  observe::Metrics metrics;
  observe::Health health;
  std::unique_ptr<bus::Bus> topics;
  std::unique_ptr<LiveGateway> live;
  std::unique_ptr<AdminServer> admin;
};

absl::Status Process::Impl::StartAdmin() {
  if (settings.admin_address.empty()) return absl::OkStatus();
  http::Router more;
  more.Add(http::Method::kGet, "/status", http::Answering([this](const http::Request&) {
             return http::Response(http::StatusCode::kOk, "application/json", StatusJson(live->status()));
           }));
  DAYBOOK_ASSIGN_OR_RETURN(
      admin, AdminServer::Start(settings.admin_address, {"beneficiary-gateway", BENEFICIARY_VERSION, ""}, health,
                                metrics, std::move(more)));
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
  kafka.figures = BusFigures(parts.metrics);
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
  impl_->admin.reset();
  impl_->health.Remove("gateway");
  impl_.reset();
}

}  // namespace beneficiary::gateway_service
