#include "beneficiary/command_service/process.h"

#include <utility>

#include "beneficiary/admin/admin_server.h"
#include "beneficiary/admin/bus_figures.h"
#include "beneficiary/command_service/command_side.h"
#include "beneficiary/command_service/metrics.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/bus/kafka/kafka_bus.h"

namespace beneficiary {

namespace bus = daybook::bus;
namespace http = daybook::http;
namespace observe = daybook::observe;
using daybook::Log;
using daybook::LogLevel;

struct CommandProcess::Impl {
  absl::Status StartSide();
  absl::Status StartAdmin();

  CommandSettings settings;
  observe::Metrics metrics;
  observe::Health health;
  std::unique_ptr<bus::Bus> topics;
  std::unique_ptr<CommandSide> side;
  std::unique_ptr<AdminServer> admin;
};

absl::Status CommandProcess::Impl::StartSide() {
  bus::KafkaOptions kafka = settings.kafka;
  kafka.figures = BusFigures(metrics);
  DAYBOOK_ASSIGN_OR_RETURN(topics, bus::OpenKafkaBus(kafka));
  CommandSideOptions options;
  options.data_dir = settings.data_dir;
  options.outcome_retention = settings.outcome_retention;
  options.in_flight_max = settings.in_flight_max;
  options.forget_positions = settings.forget_positions;
  options.topics = settings.create_topics ? CommandSideOptions::Topics::kCreate : CommandSideOptions::Topics::kExpect;
  options.replication = settings.replication;
  options.on_answered = CommandLatencies(metrics);
  options.on_published = PublishLatencies(metrics);
  DAYBOOK_ASSIGN_OR_RETURN(side, CommandSide::Start(options, *topics));
  ExposeCommandSide(*side, metrics);
  health.AddCheck("partition", [this] { return side->partition().health(); });
  health.AddCheck("commands", [this] { return side->consumer().Readiness(); });
  health.AddCheck("events", [this] { return side->publisher().Readiness(); });
  health.AddCheck("topics", [this] { return side->TopicsReadiness(); });
  return absl::OkStatus();
}

absl::Status CommandProcess::Impl::StartAdmin() {
  http::Router more;
  more.Add(http::Method::kGet, "/status", http::Answering([this](const http::Request&) {
             return http::Response(http::StatusCode(200), "application/json", StatusOf(*side));
           }));
  DAYBOOK_ASSIGN_OR_RETURN(
      admin, AdminServer::Start(settings.admin_address, {"beneficiary-command", BENEFICIARY_VERSION, ""}, health,
                                metrics, std::move(more)));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<CommandProcess>> CommandProcess::Start(const CommandSettings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->settings = settings;
  std::unique_ptr<CommandProcess> process(new CommandProcess(std::move(impl)));
  DAYBOOK_RETURN_IF_ERROR(process->impl_->StartSide());
  DAYBOOK_RETURN_IF_ERROR(process->impl_->StartAdmin());
  Log(LogLevel::kInfo, "serving",
      {{"admin", process->impl_->admin->address()},
       {"brokers", settings.kafka.brokers},
       {"data_dir", settings.data_dir}});
  return process;
}

CommandProcess::CommandProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

CommandProcess::~CommandProcess() { Stop(); }

void CommandProcess::Stop() {
  if (impl_ == nullptr) return;
  impl_->health.Set("stopping", absl::UnavailableError("the process is stopping"));
  if (impl_->side != nullptr) impl_->side->Stop(impl_->settings.drain_timeout);
  impl_->admin.reset();
  impl_.reset();
}

}  // namespace beneficiary
