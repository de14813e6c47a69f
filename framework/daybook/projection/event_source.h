#ifndef DAYBOOK_PROJECTION_EVENT_SOURCE_H_
#define DAYBOOK_PROJECTION_EVENT_SOURCE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/core/strong.h"
#include "daybook/core/timestamp.h"
#include "daybook/store/event_store.h"

namespace daybook::projection {

// Identifies the log up to an event: a hash of the event's stream, place and envelope (which holds its unique id).
// Logs that agree there agree on everything before.
using LogTip = std::array<std::uint8_t, 16>;
LogTip TipOf(const store::EventView& event);

// Where a feed goes on: what was kept beside the read model. Position 0 = from the first event; the rest is empty then.
struct FeedStart {
  Position after;      // the last event that the read model holds
  LogTip tip = {};     // TipOf that event
  std::string cursor;  // CursorAfter that event
};

// What a source knows of an event's way here.
struct Arrival {
  std::optional<Timestamp> published;  // when it was put on its topic
  std::optional<Timestamp> received;   // when this process got it
};

// Follows a log for one reader. Thread safety: one thread at a time; Cancel and waiting from any.
class EventFeed {
 public:
  virtual ~EventFeed() = default;

  // Waits up to `timeout` for events and gives as many as there are, within `limits`, whole commands only, in order and
  // without a gap. Empty: the time-out passed. The views live until the next call. kCancelled after Cancel; kDataLoss
  // and kFailedPrecondition, naming the place: it cannot go on from here, at this and every later call.
  virtual absl::StatusOr<std::vector<store::EventView>> NextBatch(const store::BatchLimits& limits,
                                                                  absl::Duration timeout) = 0;

  // What to keep as FeedStart::cursor behind the first `count` events of the last batch; `count` > 0. The same position
  // of the same log gives the same bytes.
  virtual std::string CursorAfter(std::size_t count) const = 0;

  // Of event number `index` of the last batch.
  virtual Arrival ArrivalOf(std::size_t index) const = 0;

  // OK; or kUnavailable: why nothing may come for a while although there is more.
  virtual absl::Status waiting() const = 0;

  // Makes a waiting and every later NextBatch return kCancelled.
  virtual void Cancel() = 0;
};

// Where projections get one partition's log from: a store of this process (StoreEventSource), or topics
// (bus/topic_event_source.h).
//
//   ProjectionRunner runner(source, read_models, {});
//
// Thread safety: every method from any thread. It outlives its feeds.
// Invariant: every feed gives the same events, with positions dense from 1.
class EventSource {
 public:
  virtual ~EventSource() = default;

  // Errors:
  //   kFailedPrecondition  this is not the log that `start` belongs to, or it no longer holds what follows; the message
  //                        says which and what to do
  //   kUnavailable         it cannot be reached now: try again
  virtual absl::StatusOr<std::unique_ptr<EventFeed>> Open(const FeedStart& start) = 0;

  // The last position that is known to be there; never goes back. After an Open it is at least what was there then.
  virtual Position end() const = 0;
};

// The log of a store. The store outlives it.
class StoreEventSource : public EventSource {
 public:
  explicit StoreEventSource(store::EventStore& store) : store_(store) {}

  absl::StatusOr<std::unique_ptr<EventFeed>> Open(const FeedStart& start) override;
  Position end() const override { return store_.DurableWatermark(); }

 private:
  store::EventStore& store_;
};

}  // namespace daybook::projection

#endif  // DAYBOOK_PROJECTION_EVENT_SOURCE_H_
