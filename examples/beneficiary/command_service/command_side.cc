#include "beneficiary/command_service/command_side.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "beneficiary/command_service/topics.h"
#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/client.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/bus/command_router.h"
#include "daybook/runtime/executor.h"
#include "daybook/store/memory/memory_event_store.h"
#include "daybook/store/rocks/rocks_event_store.h"

namespace beneficiary {

namespace bus = daybook::bus;
namespace runtime = daybook::runtime;
namespace store = daybook::store;

namespace {

constexpr absl::Duration kTopicsTimeout = absl::Seconds(5);
constexpr absl::Duration kTopicsRetry = absl::Milliseconds(500);

absl::StatusOr<std::unique_ptr<store::EventStore>> OpenStore(const CommandSideOptions& options) {
  if (options.data_dir.empty()) return store::NewMemoryEventStore();
  std::error_code error;
  std::filesystem::create_directories(options.data_dir + "/events", error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("the data directory ", options.data_dir, " cannot be created: ", error.message()));
  }
  store::RocksEventStoreOptions events;
  events.path = absl::StrCat(options.data_dir, "/events/0");
  events.outcome_retention = options.outcome_retention;
  return store::OpenRocksEventStore(events);
}

}  // namespace

struct CommandSide::Impl {
  explicit Impl(bus::Bus& bus) : bus(bus) {}

  absl::Status Start(const CommandSideOptions& options);
  void MakeTopics(int replication);

  bus::Bus& bus;
  std::unique_ptr<store::EventStore> events;
  std::unique_ptr<runtime::Partition> partition;
  std::optional<runtime::Executor<Beneficiary>> beneficiaries;
  std::optional<runtime::Executor<Client>> clients;
  bus::CommandRouter router;
  std::unique_ptr<bus::EventPublisher> publisher;
  std::unique_ptr<bus::CommandConsumer> consumer;

  mutable absl::Mutex mu;
  bool stopping ABSL_GUARDED_BY(mu) = false;
  absl::Status topics ABSL_GUARDED_BY(mu);
  std::jthread topic_maker;
};

absl::Status CommandSide::Impl::Start(const CommandSideOptions& options) {
  DAYBOOK_ASSIGN_OR_RETURN(events, OpenStore(options));
  runtime::PartitionOptions partition_options;
  partition_options.outcome_retention = options.outcome_retention;
  DAYBOOK_ASSIGN_OR_RETURN(partition, runtime::Partition::Start(partition_options, *events));
  beneficiaries.emplace(*partition);
  clients.emplace(*partition);
  router.Add(*beneficiaries);
  router.Add(*clients);
  if (options.topics == CommandSideOptions::Topics::kCreate) {
    {
      absl::MutexLock lock(&mu);
      topics = absl::UnavailableError("the topics are being looked at");
    }
    topic_maker = std::jthread([this, replication = options.replication] { MakeTopics(replication); });
  }
  bus::EventPublisherOptions publishing;
  publishing.name = "beneficiary-command";
  publishing.routes = EventRoutes();
  publishing.on_published = options.on_published;
  DAYBOOK_ASSIGN_OR_RETURN(publisher, bus::EventPublisher::Start(std::move(publishing), bus, *events));
  bus::CommandConsumerOptions consuming;
  consuming.name = "beneficiary-command";
  consuming.topics = {kBeneficiaryCommands, kClientCommands};
  consuming.isolation = bus::Isolation::kReadUncommitted;  // the gateway's (ADR 26)
  consuming.in_flight_max = options.in_flight_max;
  consuming.forget_positions = options.forget_positions;
  consuming.on_answered = options.on_answered;
  DAYBOOK_ASSIGN_OR_RETURN(consumer, bus::CommandConsumer::Start(std::move(consuming), bus, *partition, router));
  return absl::OkStatus();
}

void CommandSide::Impl::MakeTopics(int replication) {
  const std::vector<bus::TopicSpec> specs = CommandServiceTopics(replication);
  while (true) {
    const absl::Status made = bus::EnsureTopics(bus.admin(), specs, kTopicsTimeout);
    absl::MutexLock lock(&mu);
    if (stopping) return;
    if (made != topics) daybook::Log(daybook::LogLevel::kInfo, "topics", {{"status", made.ToString()}});
    topics = made;
    if (made.ok()) return;
    if (mu.AwaitWithTimeout(absl::Condition(&stopping), kTopicsRetry)) return;
  }
}

CommandSide::CommandSide(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

CommandSide::~CommandSide() { Stop(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<CommandSide>> CommandSide::Start(const CommandSideOptions& options, bus::Bus& bus) {
  std::unique_ptr<CommandSide> side(new CommandSide(std::make_unique<Impl>(bus)));
  DAYBOOK_RETURN_IF_ERROR(side->impl_->Start(options));
  return side;
}

void CommandSide::Stop(absl::Duration grace) {
  {
    absl::MutexLock lock(&impl_->mu);
    impl_->stopping = true;
  }
  if (impl_->topic_maker.joinable()) impl_->topic_maker.join();
  if (impl_->consumer != nullptr) impl_->consumer->Stop(grace);
  if (impl_->partition != nullptr) impl_->partition->Stop(grace);
  if (impl_->publisher != nullptr) impl_->publisher->Stop(grace);
}

store::EventStore& CommandSide::store() { return *impl_->events; }
runtime::Partition& CommandSide::partition() { return *impl_->partition; }
const bus::CommandConsumer& CommandSide::consumer() const { return *impl_->consumer; }
const bus::EventPublisher& CommandSide::publisher() const { return *impl_->publisher; }

absl::Status CommandSide::TopicsReadiness() const {
  absl::MutexLock lock(&impl_->mu);
  return impl_->topics;
}

}  // namespace beneficiary
