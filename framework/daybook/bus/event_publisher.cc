#include "daybook/bus/event_publisher.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/event_record.h"
#include "daybook/bus/internal/deliveries.h"
#include "daybook/bus/internal/state_record.h"
#include "daybook/bus/internal/topic_tail.h"
#include "daybook/codec/envelope.h"

namespace daybook::bus {
namespace {

using internal::TopicKind;

constexpr absl::Duration kNoticeWithin = absl::Milliseconds(20);  // how soon a failure or the end is noticed
constexpr std::size_t kHeadersMax = 1024;                         // of a record, about

// A topic's partition that is fed from the log.
struct Output {
  std::string topic;
  TopicKind kind = TopicKind::kEvents;
  Position last;  // of the last record sent, or found there
  Offset end;     // behind the last record delivered, or found there; of the producer's thread once there is one
};

// A record that is to be sent, with the memory it refers to beside the events'.
struct Ready {
  std::size_t output = 0;
  HeaderList headers;
  StateValue value;
  OutgoingRecord record;
  internal::Deliveries::Sent sent;
};

// A category's outputs.
struct Lane {
  const EventRoute* route = nullptr;
  std::size_t events = 0;             // index into the outputs
  std::optional<std::size_t> states;  // likewise
  std::unique_ptr<StateFold> fold;    // set iff states is
  std::vector<std::string> types;     // of the command that is being read
};

absl::Status CheckRoutes(const std::vector<EventRoute>& routes) {
  if (routes.empty()) return absl::InvalidArgumentError("EventPublisherOptions: no routes");
  StringMap<bool> seen;
  for (const EventRoute& route : routes) {
    if (route.category.empty() || route.events_topic.empty()) {
      return absl::InvalidArgumentError("EventRoute: category and events_topic must be given");
    }
    if (route.state_topic.empty() != (route.state == nullptr)) {
      return absl::InvalidArgumentError(absl::StrCat(route.category, ": state_topic and state go together"));
    }
    for (const std::string& name : {"category " + route.category, route.events_topic, route.state_topic}) {
      if (!name.empty() && !seen.emplace(name, true).second) {
        return absl::InvalidArgumentError(absl::StrCat("EventRoute: ", name, " is given twice"));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

struct EventPublisher::Impl {
  Impl(EventPublisherOptions given, Bus& bus, store::EventStore& store)
      : options(std::move(given)), bus(bus), store(store) {
    for (const EventRoute& route : options.routes) {
      Lane& lane = lanes.emplace_back();
      lane.route = &route;
      lane.events = outputs.size();
      outputs.push_back({.topic = route.events_topic, .kind = TopicKind::kEvents});
      if (route.state_topic.empty()) continue;
      lane.states = outputs.size();
      outputs.push_back({.topic = route.state_topic, .kind = TopicKind::kStates});
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      all_outputs.push_back(i);
      if (outputs[i].kind == TopicKind::kEvents) events_outputs.push_back(i);
    }
    deliveries.emplace(outputs.size());
  }

  // The publisher's thread.
  void Run();
  absl::Status Attempt();
  absl::StatusOr<Position> FindWhereToGoOn();
  absl::StatusOr<std::unique_ptr<Producer>> MakeProducer();
  absl::Status Follow(Producer& producer, store::Subscription& log);
  absl::Status Publish(Producer& producer, std::span<const store::EventView> events);
  absl::Status PrepareEvent(const store::EventView& event);
  absl::Status PrepareState(const store::EventView& event);
  Ready& NextReady();
  absl::Status SendReady(Producer& producer, TopicKind kind);
  absl::Status WaitUntilAnswered(std::span<const std::size_t> of);
  bool MustEnd() const;
  void Wait(absl::Duration delay);
  Lane* LaneOf(std::string_view stream);

  // Any thread.
  void OnDelivered(std::size_t output, const absl::StatusOr<Delivery>& delivery);
  absl::Status CheckPlace(Output& output, const Delivery& delivery);
  void SetReadiness(const absl::Status& status);
  std::uint64_t Done(TopicKind kind) const;

  // Constant after construction.
  const EventPublisherOptions options;
  Bus& bus;
  store::EventStore& store;
  std::vector<std::size_t> all_outputs;
  std::vector<std::size_t> events_outputs;

  // Own synchronisation.
  std::optional<internal::Deliveries> deliveries;

  // The publisher's thread only; an output's topic and kind are constant.
  std::vector<Output> outputs;
  std::vector<Lane> lanes;
  std::vector<std::unique_ptr<Ready>> ready;  // the first ready_count; the others are kept for their memory
  std::size_t ready_count = 0;
  std::vector<Producer::ToSend> to_send;
  absl::Duration read_at;
  absl::Duration delay;  // before the next attempt

  mutable absl::Mutex mu;
  absl::Status readiness ABSL_GUARDED_BY(mu) = absl::UnavailableError("the publisher is starting");
  absl::Status recreated ABSL_GUARDED_BY(mu);  // a topic, under this publisher: for good
  std::uint64_t restarts ABSL_GUARDED_BY(mu) = 0;
  bool stopping ABSL_GUARDED_BY(mu) = false;  // everything up to `drain_to` goes out until `drain_until`
  absl::Duration drain_until ABSL_GUARDED_BY(mu);
  Position drain_to ABSL_GUARDED_BY(mu);

  absl::Mutex join_mu;
  std::jthread thread ABSL_GUARDED_BY(join_mu);
};

Lane* EventPublisher::Impl::LaneOf(std::string_view stream) {
  const std::string_view category = stream.substr(0, stream.find('/'));
  for (Lane& lane : lanes) {
    if (lane.route->category == category) return &lane;
  }
  return nullptr;
}

void EventPublisher::Impl::SetReadiness(const absl::Status& status) {
  absl::MutexLock lock(&mu);
  readiness = status;
}

std::uint64_t EventPublisher::Impl::Done(TopicKind kind) const {
  std::uint64_t done = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].kind == kind) done += deliveries->done(i);
  }
  return done;
}

bool EventPublisher::Impl::MustEnd() const {
  absl::MutexLock lock(&mu);
  if (!stopping) return false;
  return options.clock->Monotonic() >= drain_until || deliveries->published() >= drain_to;
}

void EventPublisher::Impl::Wait(absl::Duration delay_now) {
  absl::MutexLock lock(&mu);
  mu.AwaitWithTimeout(absl::Condition(&stopping), delay_now);
}

void EventPublisher::Impl::Run() {
  delay = options.retry_delay_min;
  while (true) {
    const std::uint64_t before = Done(TopicKind::kEvents);
    const absl::Status failed = Attempt();
    if (failed.ok() || MustEnd()) return;
    SetReadiness(failed);
    if (Done(TopicKind::kEvents) > before) delay = options.retry_delay_min;
    Log(LogLevel::kError, "publishing events was interrupted; it goes on from the topics' ends",
        {{"publisher", options.name}, {"error", failed.ToString()}, {"retry_in_ms", absl::ToInt64Milliseconds(delay)}});
    Wait(delay);
    delay = std::min(delay * 2, options.retry_delay_max);
    if (MustEnd()) return;
    absl::MutexLock lock(&mu);
    ++restarts;
  }
}

// Publishes until it fails, or until all that Stop asked for is out (OK).
absl::Status EventPublisher::Impl::Attempt() {
  {
    absl::MutexLock lock(&mu);
    DAYBOOK_RETURN_IF_ERROR(recreated);
  }
  DAYBOOK_ASSIGN_OR_RETURN(const Position from, FindWhereToGoOn());
  for (Lane& lane : lanes) {
    lane.types.clear();
    if (lane.states.has_value()) lane.fold = lane.route->state->New();
  }
  deliveries->Restart(from);
  ready_count = 0;
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<Producer> producer, MakeProducer());
  const std::unique_ptr<store::Subscription> log = store.Subscribe(from.Next());
  SetReadiness(absl::OkStatus());
  return Follow(*producer, *log);
}

// The position up to which every topic has everything.
absl::StatusOr<Position> EventPublisher::Impl::FindWhereToGoOn() {
  Position from(std::numeric_limits<std::uint64_t>::max());
  const BusPartition partition(static_cast<std::int32_t>(options.partition.value()));
  for (Output& output : outputs) {
    const TopicPartition place{output.topic, partition};
    const absl::StatusOr<internal::TopicTail> tail = internal::FindTail(bus, place, output.kind, options.tail_timeout);
    DAYBOOK_RETURN_IF_ERROR(Annotate(tail.status(), absl::StrCat("the end of ", place.ToString())));
    DAYBOOK_RETURN_IF_ERROR(internal::CheckTail(*tail, place, store));
    output.last = tail->position;
    output.end = tail->end;
    from = std::min(from, tail->position);
  }
  return from;
}

absl::StatusOr<std::unique_ptr<Producer>> EventPublisher::Impl::MakeProducer() {
  ProducerOptions producer;
  producer.name = options.name;
  for (const Output& output : outputs) producer.topics.push_back(output.topic);
  producer.in_flight_max = options.in_flight_max;
  return bus.NewProducer(producer);
}

absl::Status EventPublisher::Impl::Follow(Producer& producer, store::Subscription& log) {
  while (!MustEnd()) {
    absl::StatusOr<std::vector<store::EventView>> events = log.NextBatch({}, kNoticeWithin);
    if (absl::IsCancelled(events.status())) return absl::UnavailableError("the event store was closed");
    DAYBOOK_RETURN_IF_ERROR(events.status());
    read_at = options.clock->Monotonic();
    DAYBOOK_RETURN_IF_ERROR(Publish(producer, *events));
    if (!events->empty()) deliveries->Processed(events->back().position);
    DAYBOOK_RETURN_IF_ERROR(deliveries->failure());
  }
  return absl::OkStatus();
}

// Events first, before states are even made: they are waited for. If one cannot be published, all before it is.
absl::Status EventPublisher::Impl::Publish(Producer& producer, std::span<const store::EventView> events) {
  absl::Status cannot;
  for (std::size_t i = 0; i < events.size() && cannot.ok(); ++i) {
    cannot = PrepareEvent(events[i]);
    if (!cannot.ok()) events = events.first(i);
  }
  DAYBOOK_RETURN_IF_ERROR(SendReady(producer, TopicKind::kEvents));
  for (std::size_t i = 0; i < events.size(); ++i) {
    const absl::Status prepared = PrepareState(events[i]);
    if (prepared.ok()) continue;
    cannot = prepared;
    break;
  }
  DAYBOOK_RETURN_IF_ERROR(SendReady(producer, TopicKind::kStates));
  if (!cannot.ok()) DAYBOOK_RETURN_IF_ERROR(WaitUntilAnswered(all_outputs));
  return cannot;
}

Ready& EventPublisher::Impl::NextReady() {
  if (ready_count == ready.size()) ready.push_back(std::make_unique<Ready>());
  return *ready[ready_count];
}

absl::Status EventPublisher::Impl::WaitUntilAnswered(std::span<const std::size_t> of) {
  while (!deliveries->WaitUntilAnswered(of, kNoticeWithin)) {
    DAYBOOK_RETURN_IF_ERROR(deliveries->failure());
    if (MustEnd()) return absl::CancelledError("the time to finish is over");
  }
  return absl::OkStatus();
}

// Nothing before all before it of its topic is answered: librdkafka 2.0.2 lets five records of a partition be on their
// way, and polls without pause while more wait; and few large requests are less work for all. States also come after
// the events that they are of.
absl::Status EventPublisher::Impl::SendReady(Producer& producer, TopicKind kind) {
  if (ready_count == 0) return absl::OkStatus();
  to_send.clear();
  for (std::size_t i = 0; i < ready_count; ++i) {
    to_send.push_back({ready[i]->record, [this, output = ready[i]->output](const absl::StatusOr<Delivery>& delivery) {
                         OnDelivered(output, delivery);
                       }});
  }
  DAYBOOK_RETURN_IF_ERROR(WaitUntilAnswered(kind == TopicKind::kEvents ? events_outputs : all_outputs));
  for (std::size_t i = 0; i < ready_count; ++i) deliveries->Began(ready[i]->output, ready[i]->sent);
  ready_count = 0;
  for (std::size_t sent = 0; sent < to_send.size();) {
    absl::Status error;
    sent += producer.SendTogether(std::span(to_send).subspan(sent), error);
    if (error.ok()) continue;
    if (!absl::IsResourceExhausted(error)) return error;
    DAYBOOK_RETURN_IF_ERROR(deliveries->failure());
    const OutgoingRecord& next = to_send[sent].record;
    const absl::Status room =
        producer.WaitForRoom(next.key->size() + next.value.value_or("").size() + kHeadersMax, kNoticeWithin);
    if (!room.ok() && !absl::IsDeadlineExceeded(room)) return room;
    if (MustEnd()) return absl::CancelledError("the time to finish is over");
  }
  return absl::OkStatus();
}

absl::Status EventPublisher::Impl::PrepareEvent(const store::EventView& event) {
  Lane* const lane = LaneOf(event.stream);
  if (lane == nullptr) {
    return WithReason(
        absl::FailedPreconditionError(absl::StrCat("the event at position ", event.position.value(), " of ",
                                                   ToAbsl(event.stream), " has no topic to go to")),
        "NO_ROUTE");
  }
  Output& events = outputs[lane->events];
  if (event.position <= events.last) return absl::OkStatus();
  Ready& next = NextReady();
  DAYBOOK_ASSIGN_OR_RETURN(next.record,
                           EncodeEvent(events.topic, {&event, options.partition, events.last}, next.headers));
  DAYBOOK_ASSIGN_OR_RETURN(const EventMetadata metadata, codec::DecodeEnvelope(event.envelope));
  next.output = lane->events;
  next.sent = {event.position, read_at, metadata.recorded_at};
  ++ready_count;
  events.last = event.position;
  return absl::OkStatus();
}

absl::Status EventPublisher::Impl::PrepareState(const store::EventView& event) {
  Lane& lane = *LaneOf(event.stream);
  if (!lane.states.has_value()) return absl::OkStatus();
  Output& states = outputs[*lane.states];
  if (event.position <= states.last) return absl::OkStatus();  // no state ends inside a command, so neither does `last`
  lane.types.emplace_back(event.type);
  DAYBOOK_RETURN_IF_ERROR(Annotate(lane.fold->Apply(event, store), absl::StrCat("position ", event.position.value())));
  if (event.index + 1 < event.count) return absl::OkStatus();
  StateChange change;
  change.stream = event.stream;
  change.event_types.swap(lane.types);
  change.revision = event.revision;
  DAYBOOK_ASSIGN_OR_RETURN(change.metadata, codec::DecodeEnvelope(event.envelope));
  Ready& next = NextReady();
  next.value = lane.fold->ValueOf(change);
  DAYBOOK_ASSIGN_OR_RETURN(next.record, internal::EncodeState(states.topic, options.partition, event.position, change,
                                                              next.value, next.headers));
  next.output = *lane.states;
  next.sent = {event.position, read_at, change.metadata.recorded_at};
  ++ready_count;
  states.last = event.position;
  return absl::OkStatus();
}

// A topic that was made anew takes records as if nothing had happened, and lacks all those before.
absl::Status EventPublisher::Impl::CheckPlace(Output& output, const Delivery& delivery) {
  if (delivery.offset < output.end) {
    const absl::Status made_anew = WithReason(
        absl::FailedPreconditionError(absl::StrCat(
            output.topic, " was made anew while events were being published: a record came to lie at offset ",
            delivery.offset.value(), " after one at ", output.end.value() - 1,
            ". What was on it is not there any more. Make it anew while this process is down: it is filled again")),
        "TOPIC_RECREATED");
    absl::MutexLock lock(&mu);
    recreated = made_anew;
    return made_anew;
  }
  output.end = delivery.offset.Next();
  return absl::OkStatus();
}

void EventPublisher::Impl::OnDelivered(std::size_t output, const absl::StatusOr<Delivery>& delivery) {
  const absl::Status status = delivery.ok() ? CheckPlace(outputs[output], *delivery) : delivery.status();
  const std::optional<internal::Deliveries::Sent> sent = deliveries->Answered(output, status);
  if (!sent.has_value() || !options.on_published) return;
  PublishedRecord record;
  record.topic = outputs[output].topic;
  record.position = sent->position;
  record.since_read = options.clock->Monotonic() - sent->read_at;
  record.since_recorded = ToAbslTime(options.clock->Now()) - ToAbslTime(sent->recorded_at);
  options.on_published(record);
}

EventPublisher::EventPublisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

EventPublisher::~EventPublisher() { Stop(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<EventPublisher>> EventPublisher::Start(EventPublisherOptions options, Bus& bus,
                                                                      store::EventStore& store) {
  DAYBOOK_RETURN_IF_ERROR(CheckRoutes(options.routes));
  auto impl = std::make_unique<Impl>(std::move(options), bus, store);
  {
    absl::MutexLock lock(&impl->join_mu);
    impl->thread = std::jthread([raw = impl.get()] { raw->Run(); });
  }
  return std::unique_ptr<EventPublisher>(new EventPublisher(std::move(impl)));
}

void EventPublisher::Stop(absl::Duration grace) {
  {
    absl::MutexLock lock(&impl_->mu);
    if (!impl_->stopping) {
      impl_->stopping = true;
      impl_->drain_until = impl_->options.clock->Monotonic() + grace;
      impl_->drain_to = impl_->store.DurableWatermark();
      impl_->readiness = absl::UnavailableError("the publisher is stopping");
    }
  }
  absl::MutexLock lock(&impl_->join_mu);
  if (impl_->thread.joinable()) impl_->thread.join();
}

absl::Status EventPublisher::Readiness() const {
  absl::MutexLock lock(&impl_->mu);
  return impl_->readiness;
}

EventPublisherStats EventPublisher::stats() const {
  EventPublisherStats stats;
  stats.events = impl_->Done(TopicKind::kEvents);
  stats.states = impl_->Done(TopicKind::kStates);
  stats.in_flight = impl_->deliveries->under_way();
  stats.published = impl_->deliveries->published();
  stats.durable = impl_->store.DurableWatermark();
  absl::MutexLock lock(&impl_->mu);
  stats.restarts = impl_->restarts;
  return stats;
}

}  // namespace daybook::bus
