#include "beneficiary/process.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "beneficiary/admin/bus_figures.h"
#include "beneficiary/app/bos_feed.h"
#include "beneficiary/app/engine.h"
#include "beneficiary/app/executor_sink.h"
#include "beneficiary/app/service.h"
#include "beneficiary/gateway_service/gateway_metrics.h"
#include "beneficiary/gateway_service/live_gateway.h"
#include "beneficiary/process_metrics.h"
#include "beneficiary/serving/edges.h"
#include "beneficiary/serving/lag_board.h"
#include "beneficiary/serving/query_status.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/observe/health.h"
#include "daybook/observe/metrics.h"

namespace beneficiary {

namespace observe = daybook::observe;
using daybook::Log;
using daybook::LogLevel;

namespace {

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
  absl::Status StartFeed();
  absl::Status StartLive();

  Settings settings;
  observe::Metrics metrics;
  observe::Health health;
  LagBoard lags{metrics};
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Service> service;
  std::unique_ptr<BosFeed> feed;
  std::unique_ptr<daybook::bus::Bus> topics;
  std::unique_ptr<ExecutorSink> live_sink;
  std::unique_ptr<LiveGateway> live;
  std::unique_ptr<Edges> edges;
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
  options.on_shown = lags.handler();
  DAYBOOK_ASSIGN_OR_RETURN(engine, Engine::Open(options));
  Service::Options service_options;
  service_options.compat_instance = settings.compat_instance;
  service = std::make_unique<Service>(*engine, service_options);
  ExposeEngine(*engine, metrics);
  ExposeReadModels(engine->runner(), metrics);
  health.AddCheck("partition", [this] { return engine->partition().health(); });
  health.AddCheck("read_models", [this] { return engine->runner().Readiness(); });
  return absl::OkStatus();
}

absl::Status Process::Impl::StartEdges() {
  EdgeOptions options;
  options.settings = settings.edges;
  options.build = {"beneficiary", BENEFICIARY_VERSION, ""};
  options.opens_when = [this] { return engine->runner().Readiness(); };
  options.pages.push_back(StatusPage(engine->runner(), lags));
  DAYBOOK_ASSIGN_OR_RETURN(edges, Edges::Start(*service, health, metrics, std::move(options)));
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

absl::Status Process::Impl::StartLive() {
  if (settings.live.sources.empty()) return absl::OkStatus();
  daybook::bus::KafkaOptions kafka = settings.kafka;
  kafka.figures = BusFigures(metrics);
  DAYBOOK_ASSIGN_OR_RETURN(topics, daybook::bus::OpenKafkaBus(kafka));
  live_sink = std::make_unique<ExecutorSink>(engine->beneficiaries(), engine->clients());
  LiveGatewayOptions options = settings.live;
  options.data_dir = settings.data_dir;
  options.sink = live_sink.get();
  DAYBOOK_ASSIGN_OR_RETURN(live, LiveGateway::Start(*topics, std::move(options)));
  ExposeLiveGateway(*live, settings.live.sources, metrics);
  health.AddCheck("gateway", [this] { return live->Readiness(); });
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
  DAYBOOK_RETURN_IF_ERROR(process->impl_->StartLive());
  process->impl_->health.Remove("starting");
  Log(LogLevel::kInfo, "serving",
      {{"rest", process->impl_->edges->rest_address()},
       {"grpc", process->impl_->edges->grpc_address()},
       {"admin", process->impl_->edges->admin_address()},
       {"data_dir", settings.data_dir}});
  return process;
}

Process::Process(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Process::~Process() { Stop(); }

void Process::Stop() {
  if (impl_ == nullptr) return;
  impl_->health.Set("stopping", absl::UnavailableError("the process is stopping"));
  // What comes in goes first, what it stands on last.
  if (impl_->edges != nullptr) impl_->edges->Drain();
  if (impl_->feed != nullptr) impl_->feed->Stop();
  if (impl_->live != nullptr) impl_->live->Stop(impl_->settings.edges.drain_timeout);
  if (impl_->engine != nullptr) impl_->engine->Stop(impl_->settings.edges.drain_timeout);
  impl_.reset();
}

}  // namespace beneficiary
