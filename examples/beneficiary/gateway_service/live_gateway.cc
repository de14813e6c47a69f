#include "beneficiary/gateway_service/live_gateway.h"

#include <atomic>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "beneficiary/gateway_service/internal/live_inputs.h"
#include "beneficiary/gateway_service/topic_publisher.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"

namespace beneficiary {

namespace bus = daybook::bus;
namespace cdc = daybook::cdc;
using daybook::Log;
using daybook::LogLevel;
using Phase = LiveGatewayStatus::Phase;

namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(20);
constexpr absl::Duration kAskBroker = absl::Seconds(5);
constexpr absl::Duration kAssign = absl::Seconds(30);  // a question or two for each partition
constexpr absl::Duration kInit = absl::Seconds(10);
constexpr absl::Duration kAgain = absl::Milliseconds(200);
constexpr absl::Duration kLeave = absl::Seconds(5);
// How often in a row commands are handed over that answers let out, before records are read again.
constexpr int kDeliveriesInARow = 20;

}  // namespace

struct LiveGateway::Impl {
  Impl(bus::Bus& b, LiveGatewayOptions o) : topics(b), options(std::move(o)) {}

  void Run(const std::stop_token& stop);
  absl::Status Work(const std::stop_token& stop);
  absl::Status Prepare(const std::stop_token& stop);
  absl::Status MakeTopics();
  absl::Status Step(const std::stop_token& stop);
  absl::Status FollowOwnership();
  absl::Status TakeOver();
  void StepDown(Phase next);
  absl::Status DeliverOutput();
  void Drain();
  void SetPhase(Phase next) { phase.store(next); }
  void SetDelivery(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu);
  void WaitALittle() ABSL_LOCKS_EXCLUDED(mu);
  bool IsShared() const { return options.sink == nullptr; }

  bus::Bus& topics;
  const LiveGatewayOptions options;
  std::unique_ptr<TopicPublisher> publisher;  // nullptr: options.sink
  std::unique_ptr<internal::LiveInputs> inputs;

  // The thread's own.
  std::unique_ptr<bus::Membership> membership;
  bool owner = false;
  bool ends_known = false;
  absl::Duration not_before;  // of the next attempt to take over

  std::atomic<Phase> phase = Phase::kStarting;
  std::atomic<std::uint64_t> takeovers = 0;
  std::atomic<std::uint64_t> transactions = 0;
  std::atomic<std::uint64_t> rounds = 0;
  mutable absl::Mutex mu;
  bool stopping ABSL_GUARDED_BY(mu) = false;
  absl::Duration grace ABSL_GUARDED_BY(mu);
  absl::Status error ABSL_GUARDED_BY(mu);
  absl::Status delivery ABSL_GUARDED_BY(mu);

  std::jthread thread;  // last: it uses all of the above
};

std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kStarting:
      return "starting";
    case Phase::kStandby:
      return "standby";
    case Phase::kTakingOver:
      return "taking over";
    case Phase::kActive:
      return "active";
    case Phase::kStopped:
      return "stopped";
  }
  return "";
}

void LiveGateway::Impl::WaitALittle() {
  absl::MutexLock lock(&mu);
  mu.AwaitWithTimeout(absl::Condition(&stopping), kAgain);
}

void LiveGateway::Impl::SetDelivery(const absl::Status& status) {
  absl::MutexLock lock(&mu);
  delivery = status;
}

absl::Status LiveGateway::Impl::MakeTopics() {
  const std::vector<bus::TopicSpec> specs = {
      {.topic = std::string(kBeneficiaryCommandsTopic), .partitions = options.command_partitions},
      {.topic = std::string(kClientCommandsTopic), .partitions = options.command_partitions},
      {.topic = absl::StrCat(options.group, ".owner"), .partitions = 1}};
  for (const bus::TopicSpec& spec : specs) {
    const absl::Status made = topics.admin().CreateTopic(spec, kAskBroker);
    if (!made.ok() && !absl::IsAlreadyExists(made)) return made;
  }
  return absl::OkStatus();
}

absl::Status LiveGateway::Impl::Prepare(const std::stop_token& stop) {
  bool said = false;
  while (!stop.stop_requested()) {
    absl::Status status = IsShared() ? MakeTopics() : absl::OkStatus();
    if (status.ok()) status = inputs->Assign(kAssign);
    if (!absl::IsUnavailable(status)) return status;
    if (!std::exchange(said, true)) {
      Log(LogLevel::kWarning, "the brokers do not answer yet", {{"error", std::string(status.message())}});
    }
    WaitALittle();
  }
  return absl::OkStatus();
}

void LiveGateway::Impl::StepDown(Phase next) {
  if (phase.load() == Phase::kActive) Log(LogLevel::kInfo, "this gateway no longer publishes");
  publisher->Close();
  inputs->SetRole(cdc::Role::kStandby);
  ends_known = false;
  if (next == Phase::kStandby) SetDelivery(absl::OkStatus());
  SetPhase(next);
}

absl::Status LiveGateway::Impl::FollowOwnership() {
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<bus::OwnershipChange> change, membership->Poll(absl::ZeroDuration()));
  if (change) {
    owner = change->kind == bus::OwnershipChange::Kind::kAcquired;
    StepDown(owner ? Phase::kTakingOver : Phase::kStandby);
    not_before = absl::ZeroDuration();
  }
  if (owner && phase.load() == Phase::kActive && !publisher->is_open()) {
    // Fenced, or something was not delivered. If another one owns the work, the group says so soon; fencing it back
    // before it has said so would go on for ever.
    StepDown(Phase::kTakingOver);
    not_before = options.clock->Monotonic() + options.session_timeout / 2;
  }
  return owner && phase.load() == Phase::kTakingOver ? TakeOver() : absl::OkStatus();
}

absl::Status LiveGateway::Impl::TakeOver() {
  if (options.clock->Monotonic() < not_before) return absl::OkStatus();
  if (!publisher->is_open()) {
    if (const absl::Status fenced = publisher->Init(kInit); !fenced.ok()) {
      if (bus::FailureOf(fenced) == bus::TransactionFailure::kOther && !absl::IsUnavailable(fenced)) return fenced;
      Log(LogLevel::kWarning, "the gateway before this one could not be fenced yet", {{"error", fenced.ToString()}});
      not_before = options.clock->Monotonic() + kAgain;
      return absl::OkStatus();
    }
    ends_known = false;
  }
  if (!ends_known) {
    const absl::Status found = inputs->FindEnds(kAskBroker);
    if (absl::IsUnavailable(found)) {
      not_before = options.clock->Monotonic() + kAgain;
      return absl::OkStatus();
    }
    DAYBOOK_RETURN_IF_ERROR(found);
    ends_known = true;
  }
  if (!inputs->AtEnds()) return absl::OkStatus();
  inputs->SetRole(cdc::Role::kActive);
  SetPhase(Phase::kActive);
  ++takeovers;
  if (inputs->outbox() == 0) SetDelivery(absl::OkStatus());
  Log(LogLevel::kInfo, "this gateway publishes from now on", {{"outbox", static_cast<std::int64_t>(inputs->outbox())}});
  return absl::OkStatus();
}

// What gateways have handed over, and, as long as answers let them hand over more, that too.
absl::Status LiveGateway::Impl::DeliverOutput() {
  if (publisher == nullptr) return absl::OkStatus();
  for (int i = 0; i < kDeliveriesInARow; ++i) {
    const bool any = publisher->has_undelivered();
    const absl::Status delivered = publisher->Deliver();
    transactions.store(publisher->transactions());
    if (!delivered.ok()) {
      Log(LogLevel::kWarning, "commands were not delivered; the topics are read back before they are sent again",
          {{"error", delivered.ToString()}});
    }
    if (any || !delivered.ok()) SetDelivery(delivered);
    if (any) DAYBOOK_RETURN_IF_ERROR(inputs->Tick());
    if (!any || !delivered.ok()) break;
  }
  return absl::OkStatus();
}

absl::Status LiveGateway::Impl::Step(const std::stop_token& stop) {
  if (IsShared()) DAYBOOK_RETURN_IF_ERROR(FollowOwnership());
  const auto make_room = [&]() -> absl::Status {
    if (stop.stop_requested()) return absl::CancelledError("stopping");
    if (IsShared()) DAYBOOK_RETURN_IF_ERROR(FollowOwnership());
    DAYBOOK_RETURN_IF_ERROR(inputs->Tick());
    DAYBOOK_RETURN_IF_ERROR(DeliverOutput());
    absl::MutexLock lock(&mu);
    mu.AwaitWithTimeout(absl::Condition(&stopping), absl::Milliseconds(1));
    return absl::OkStatus();
  };
  const absl::Status applied = inputs->PollAndApply(kPoll, make_room);
  if (stop.stop_requested() && absl::IsCancelled(applied)) return absl::OkStatus();
  DAYBOOK_RETURN_IF_ERROR(applied);
  DAYBOOK_RETURN_IF_ERROR(inputs->Tick());
  return DeliverOutput();
}

absl::Status LiveGateway::Impl::Work(const std::stop_token& stop) {
  DAYBOOK_RETURN_IF_ERROR(Prepare(stop));
  if (stop.stop_requested()) return absl::OkStatus();
  SetPhase(IsShared() ? Phase::kStandby : Phase::kActive);
  if (IsShared()) {
    bus::MembershipOptions member;
    member.group = options.group;
    member.topics = {absl::StrCat(options.group, ".owner")};
    member.session_timeout = options.session_timeout;
    member.poll_interval_max = options.hang_timeout;
    member.heartbeat_interval = options.session_timeout / 3;
    DAYBOOK_ASSIGN_OR_RETURN(membership, topics.Join(member));
  }
  while (!stop.stop_requested()) {
    DAYBOOK_RETURN_IF_ERROR(Step(stop));
    ++rounds;
  }
  Drain();
  return absl::OkStatus();
}

void LiveGateway::Impl::Drain() {
  absl::Duration until = options.clock->Monotonic();
  {
    absl::MutexLock lock(&mu);
    until += grace;
  }
  while (phase.load() == Phase::kActive && inputs->outbox() > 0 && options.clock->Monotonic() < until) {
    if (!inputs->Tick().ok() || !DeliverOutput().ok()) return;
    if (publisher != nullptr && !publisher->is_open()) return;
    if (publisher != nullptr && publisher->has_undelivered()) continue;
    if (!inputs->WaitForAnswers(absl::Milliseconds(5)).ok()) return;
  }
}

void LiveGateway::Impl::Run(const std::stop_token& stop) {
  const absl::Status worked = Work(stop);
  if (!worked.ok()) {
    Log(LogLevel::kError, "the gateway has stopped", {{"error", worked.ToString()}});
    absl::MutexLock lock(&mu);
    error = worked;
  }
  // Another process may be able to go on.
  if (publisher != nullptr) publisher->Close();
  if (membership != nullptr) {
    const absl::Status left = membership->Leave(kLeave);
    if (!left.ok()) Log(LogLevel::kWarning, "the group was not left in order", {{"error", left.ToString()}});
    membership.reset();
  }
  SetPhase(Phase::kStopped);
}

absl::StatusOr<std::unique_ptr<LiveGateway>> LiveGateway::Start(bus::Bus& bus, LiveGatewayOptions options) {
  auto impl = std::make_unique<Impl>(bus, std::move(options));
  if (impl->IsShared()) {
    TopicPublisherOptions publisher;
    publisher.transactional_id = impl->options.group;
    publisher.clock = impl->options.clock;
    publisher.on_published = impl->options.on_published;
    DAYBOOK_ASSIGN_OR_RETURN(impl->publisher, TopicPublisher::Make(bus, std::move(publisher)));
  }
  DAYBOOK_ASSIGN_OR_RETURN(impl->inputs, internal::LiveInputs::Open(bus, impl->options, impl->publisher.get()));
  std::unique_ptr<LiveGateway> live(new LiveGateway(std::move(impl)));
  live->impl_->thread = std::jthread([impl = live->impl_.get()](const std::stop_token& stop) { impl->Run(stop); });
  return live;
}

LiveGateway::LiveGateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LiveGateway::~LiveGateway() { Stop(absl::ZeroDuration()); }

void LiveGateway::Stop(absl::Duration grace) {
  {
    absl::MutexLock lock(&impl_->mu);
    impl_->stopping = true;
    impl_->grace = grace;
  }
  impl_->thread.request_stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

LiveGatewayStatus LiveGateway::status() const {
  LiveGatewayStatus status;
  status.phase = impl_->phase.load();
  {
    absl::MutexLock lock(&impl_->mu);
    status.error = impl_->error;
    status.delivery = impl_->delivery;
  }
  status.bus = impl_->inputs->health();
  status.caught_up = status.phase != Phase::kStarting && impl_->inputs->CaughtUp();
  status.takeovers = impl_->takeovers.load();
  status.transactions = impl_->transactions.load();
  status.rounds = impl_->rounds.load();
  status.instances = impl_->inputs->Instances();
  status.partitions = impl_->inputs->Progress();
  return status;
}

absl::Status LiveGateway::Readiness() const {
  const LiveGatewayStatus now = status();
  DAYBOOK_RETURN_IF_ERROR(now.error);
  if (now.phase == Phase::kStarting) return absl::UnavailableError("has not begun to read yet");
  if (now.phase == Phase::kStopped) return absl::UnavailableError("stopped");
  DAYBOOK_RETURN_IF_ERROR(now.bus);
  if (!now.delivery.ok()) {
    return absl::UnavailableError(absl::StrCat("commands wait that could not be published: ", now.delivery.message()));
  }
  if (!now.caught_up) return absl::UnavailableError("has not read every topic to its end yet");
  return absl::OkStatus();
}

}  // namespace beneficiary
