#ifndef DAYBOOK_BUS_EVENT_PUBLISHER_H_
#define DAYBOOK_BUS_EVENT_PUBLISHER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/bus/bus.h"
#include "daybook/bus/state_fold.h"
#include "daybook/core/recorded.h"
#include "daybook/core/strong.h"
#include "daybook/store/event_store.h"

namespace daybook::bus {

// Where the events of one category go.
struct EventRoute {
  std::string category;
  std::string events_topic;                     // "<domain>.<aggregate>.events.v1"
  std::string state_topic;                      // compacted, "<domain>.<aggregate>.state.v1"; "" = none
  std::shared_ptr<const StateFoldMaker> state;  // set iff state_topic is
};

// A record that is on its topic now; for metrics.
struct PublishedRecord {
  std::string_view topic;
  Position position;
  absl::Duration since_read;      // from the log's giving it (it was durable then) to the broker's having it safe
  absl::Duration since_recorded;  // from the decision
};

struct EventPublisherOptions {
  std::string name = "publisher";  // for metrics and logs
  PartitionId partition;           // of the log, and of the topics
  std::vector<EventRoute> routes;  // of every category in the log
  std::size_t in_flight_max = 10'000;
  absl::Duration tail_timeout = absl::Seconds(10);  // for reading the topics' ends
  absl::Duration retry_delay_min = absl::Milliseconds(20);
  absl::Duration retry_delay_max = absl::Seconds(5);
  const Clock* clock = &Clock::System();
  // Called on the producer's thread: quick.
  std::function<void(const PublishedRecord&)> on_published;
};

struct EventPublisherStats {
  std::uint64_t events = 0;    // acknowledged by the broker since the start
  std::uint64_t states = 0;    // likewise
  std::uint64_t restarts = 0;  // how often it went back to the topics' ends after a failure
  std::uint64_t in_flight = 0;
  Position published;  // every event at or below it is on its topic
  Position durable;    // of the log
};

// Puts every event of a log on its topic, once and in order (event_record.h says how they lie there), and the state
// after each command on the compacted topic. It keeps nothing itself: where it goes on is what the topics' ends say.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto publisher, EventPublisher::Start(
//       {.routes = {{.category = "payee", .events_topic = "demo.payee.events.v1"}}}, bus, store));
//   …
//   publisher->Stop(absl::Seconds(10));                       // after the partition: all that is durable goes out
//   first
//
// Thread safety: every method from any thread. Bus and store outlive it.
// Invariants:
//   1. Nothing above the durable watermark is sent.
//   2. Each position is on its topic once, in rising order, whenever the process or the broker dies: at the start, and
//      after a record whose fate is unknown, it reads the topics' last records and goes on behind them. (What the
//      broker still holds back of a connection that is dead would come after them: see rule 3 of event_record.h.)
//   3. A topic that does not belong to this log stops it (Readiness, the log): it holds a position that the log does
//      not have (TOPIC_AHEAD_OF_LOG), or another event there (TOPIC_OF_ANOTHER_LOG), or has lost its first records
//      (EVENTS_MISSING) or all of them (TOPIC_EXPIRED) to retention, or was made anew under a running publisher
//      (TOPIC_RECREATED). So does an event whose category has no route (NO_ROUTE): nothing is skipped.
//   4. Everything else is tried again for ever.
class EventPublisher {
 public:
  // Starts its thread, which waits for the broker. kInvalidArgument: routes that contradict each other.
  static absl::StatusOr<std::unique_ptr<EventPublisher>> Start(EventPublisherOptions options, Bus& bus,
                                                               store::EventStore& store);
  // As Stop(zero).
  ~EventPublisher();

  // Publishes what is durable now, as far as it gets in `grace`, and ends. Idempotent.
  void Stop(absl::Duration grace);

  // OK; kUnavailable: starting, or the broker; kFailedPrecondition, kDataLoss: a human must act (invariant 3).
  absl::Status Readiness() const;

  EventPublisherStats stats() const;

 private:
  struct Impl;
  explicit EventPublisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_EVENT_PUBLISHER_H_
