#include "beneficiary/query_service/process.h"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "beneficiary/admin/bus_figures.h"
#include "beneficiary/app/query_side.h"
#include "beneficiary/app/service.h"
#include "beneficiary/serving/edges.h"
#include "beneficiary/serving/lag_board.h"
#include "beneficiary/serving/query_status.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/bus/dead_letter_writer.h"
#include "daybook/bus/topic_event_source.h"
#include "daybook/observe/health.h"
#include "daybook/observe/metrics.h"
#include "daybook/store/rocks/rocks_key_value.h"

namespace beneficiary::query {

namespace bus = daybook::bus;
namespace observe = daybook::observe;
using daybook::Log;
using daybook::LogLevel;

struct Process::Impl {
  absl::Status StartReading();
  absl::Status StartServing();

  Settings settings;
  observe::Metrics metrics;
  observe::Health health;
  LagBoard lags{metrics};
  std::unique_ptr<bus::Bus> bus;
  std::unique_ptr<daybook::store::KeyValue> read_models;
  std::unique_ptr<bus::DeadLetterWriter> letters;
  std::unique_ptr<bus::TopicEventSource> source;
  std::unique_ptr<QuerySide> queries;
  std::unique_ptr<Service> service;
  std::unique_ptr<Edges> edges;
};

absl::Status Process::Impl::StartReading() {
  std::error_code error;
  std::filesystem::create_directories(settings.data_dir, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("the data directory ", settings.data_dir, " cannot be created: ", error.message()));
  }
  daybook::store::RocksKeyValueOptions models;
  models.path = settings.data_dir + "/read-models";
  DAYBOOK_ASSIGN_OR_RETURN(read_models, daybook::store::OpenRocksKeyValue(models));
  bus::KafkaOptions kafka = settings.kafka;
  kafka.figures = BusFigures(metrics);
  DAYBOOK_ASSIGN_OR_RETURN(bus, bus::OpenKafkaBus(kafka));
  bus::TopicEventSourceOptions options;
  options.topics = settings.events_topics;
  options.name = "query";
  DAYBOOK_ASSIGN_OR_RETURN(
      letters, bus::DeadLetterWriter::Start({.name = "beneficiary-query", .topics = settings.events_topics}, *bus));
  options.on_foreign = [this](const bus::Record& record, const absl::Status& why) { letters->Write(record, why); };
  source = std::make_unique<bus::TopicEventSource>(*bus, options);
  DAYBOOK_ASSIGN_OR_RETURN(queries, QuerySide::Open(*source, *read_models, {.on_shown = lags.handler()}));
  ExposeReadModels(queries->runner(), metrics);
  metrics.AddCallback("topic_repeats", "Records dropped because they repeat an event, since the start", {},
                      [this] { return static_cast<double>(source->repeats()); });
  metrics.AddCallback("topic_dead_letters", "Records that were no events, passed over since the start", {},
                      [this] { return static_cast<double>(source->foreign()); });
  metrics.AddCallback("topic_dead_letters_waiting", "Dead letters that are not on their topic yet", {},
                      [this] { return static_cast<double>(letters->stats().waiting); });
  metrics.AddCallback("topic_dead_letters_given_up", "Dead letters that found no room to wait, since the start", {},
                      [this] { return static_cast<double>(letters->stats().given_up); });
  health.AddCheck("read_models", [this] { return queries->runner().Readiness(); });
  return absl::OkStatus();
}

absl::Status Process::Impl::StartServing() {
  Service::Options service_options;
  service_options.compat_instance = settings.compat_instance;
  service = std::make_unique<Service>(*queries, service_options);
  EdgeOptions options;
  options.settings = settings.edges;
  options.build = {"beneficiary-query", BENEFICIARY_VERSION, ""};
  options.opens_when = [this] { return queries->runner().Readiness(); };
  options.pages.push_back(StatusPage(queries->runner(), lags));
  DAYBOOK_ASSIGN_OR_RETURN(edges, Edges::Start(*service, health, metrics, std::move(options)));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const Settings& settings) {
  auto impl = std::make_unique<Impl>();
  impl->settings = settings;
  std::unique_ptr<Process> process(new Process(std::move(impl)));
  DAYBOOK_RETURN_IF_ERROR(process->impl_->StartReading());
  DAYBOOK_RETURN_IF_ERROR(process->impl_->StartServing());
  Log(LogLevel::kInfo, "serving",
      {{"rest", process->impl_->edges->rest_address()},
       {"grpc", process->impl_->edges->grpc_address()},
       {"admin", process->impl_->edges->admin_address()},
       {"brokers", settings.kafka.brokers},
       {"topics", absl::StrJoin(settings.events_topics, ",")},
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
  if (impl_->queries != nullptr) impl_->queries->Stop();
  impl_.reset();
}

}  // namespace beneficiary::query
