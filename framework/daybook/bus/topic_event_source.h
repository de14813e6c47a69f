#ifndef DAYBOOK_BUS_TOPIC_EVENT_SOURCE_H_
#define DAYBOOK_BUS_TOPIC_EVENT_SOURCE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/bus/bus.h"
#include "daybook/core/strong.h"
#include "daybook/projection/event_source.h"

namespace daybook::bus {

namespace internal {
class SharedTail;
}

struct TopicEventSourceOptions {
  std::vector<std::string> topics;                   // all over which the log's events are spread
  PartitionId partition;                             // of the log, and so of every topic
  std::string name = "events";                       // of the consumers, for metrics and logs
  absl::Duration answer_timeout = absl::Seconds(5);  // for the broker's answers when a feed is opened
  // A feed keeps at most this much of what waits for an event before it, and then reads only where that can be.
  std::size_t ahead_bytes_max = 32 * 1024 * 1024;
  // What the feeds that are at the end share is kept up to this size; who is further behind reads alone.
  std::size_t shared_bytes_max = 8 * 1024 * 1024;
  // An event that later ones have overtaken for longer than this makes the feed `waiting`.
  absl::Duration overtaken_max = absl::Seconds(10);
  // Called with a record that is passed over (invariant 4), on a feed's thread; one at a time, those of a partition in
  // their order. It must return at once: feeds that meet such records wait for it. For the dead letters
  // (dead_letter_writer.h). May be empty.
  std::function<void(const Record& record, const absl::Status& why)> on_foreign;
  const Clock* clock = &Clock::System();
};

// The log of one partition as its topics hold it, for projections (event_record.h says how it lies there). Every feed
// reads from where its read model stands, with a consumer of its own until it is at the end, where all of them share
// one: an event comes to this process once. No consumer group, so any number of processes read independently.
//
//   TopicEventSource source(*bus, {.topics = {"beneficiary.beneficiary.events.v1", "beneficiary.client.events.v1"}});
//   projection::ProjectionRunner runner(source, read_models, {});
//
// Thread safety: as EventSource. The bus outlives it.
// Invariants:
//   1. A feed gives every event of the log once and in order. Records that repeat one are dropped and counted.
//   2. It waits for the topics and for nothing else: an event is given as soon as it and all before it are read. No
//      feed waits for another; who falls behind what they share reads alone again.
//   3. What cannot be the log is an error at Open or NextBatch, never skipped:
//        kDataLoss           EVENTS_MISSING: there is a gap; EVENT_REPLACED: another event at a position read before
//        kInvalidArgument    NOT_AN_EVENT: another log's event, or one that contradicts itself
//        kFailedPrecondition TOPIC_RECREATED, OFFSET_OUT_OF_RANGE, PARTITION_GONE, as bus/consumer.h
//      A topic that does not exist yet is kUnavailable.
//   4. A record that is no CloudEvent with a sequence is told to on_foreign and passed over. Nothing is missed by that:
//      an event says which one comes before it on its topic, so if the record should have been one, the next event is
//      an error (3).
class TopicEventSource : public projection::EventSource {
 public:
  TopicEventSource(Bus& bus, TopicEventSourceOptions options);

  absl::StatusOr<std::unique_ptr<projection::EventFeed>> Open(const projection::FeedStart& start) override;
  Position end() const override { return Position(end_.load(std::memory_order_relaxed)); }

  // Records that repeated an event, of all feeds.
  std::uint64_t repeats() const { return repeats_.load(std::memory_order_relaxed); }
  // Records that were no events, each counted once.
  std::uint64_t foreign() const { return foreign_.load(std::memory_order_relaxed); }

 private:
  class Feed;
  struct Shared {
    std::shared_ptr<internal::SharedTail> tail;
    std::uint64_t block;  // to begin with
  };

  // What a feed that has read up to `next` shares from now on. If there is nothing to share and `consumer` is at the
  // end, this is what all share then. nullopt: it reads on alone.
  std::optional<Shared> Share(std::unique_ptr<Consumer>& consumer,
                              const std::map<std::string, Offset, std::less<>>& next);
  // The last position that the topics hold.
  absl::StatusOr<Position> ReadEnd();
  void RaiseEnd(Position position);
  void PassOver(const Record& record, const absl::Status& why);

  Bus& bus_;
  const TopicEventSourceOptions options_;
  std::atomic<std::uint64_t> end_{0};
  std::atomic<std::uint64_t> repeats_{0};
  std::atomic<std::uint64_t> foreign_{0};
  absl::Mutex passing_over_mu_;  // also while a record is told: whoever meets the next one waits
  // Feeds meet the same records; bounded.
  std::set<std::pair<TopicPartition, Offset>> passed_over_ ABSL_GUARDED_BY(passing_over_mu_);
  absl::Mutex mu_;
  std::weak_ptr<internal::SharedTail> tail_ ABSL_GUARDED_BY(mu_);  // lives as long as a feed reads it
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_TOPIC_EVENT_SOURCE_H_
