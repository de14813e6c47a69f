#ifndef DAYBOOK_STORE_INTERNAL_LOG_SUBSCRIPTION_H_
#define DAYBOOK_STORE_INTERNAL_LOG_SUBSCRIPTION_H_

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "daybook/store/event_store.h"
#include "daybook/store/internal/durable_watermark.h"

namespace daybook::store::internal {

// What a store gives to LogSubscription: its log, piece by piece. Thread safety: one thread at a time.
class LogReader {
 public:
  virtual ~LogReader() = default;

  // Appends to `out` the events from `from` (at least 1) up to `to`, until AtLimit says so. `to` is durable and ends a
  // command. The views live until the next call.
  virtual absl::Status Read(Position from, Position to, const BatchLimits& limits, std::vector<EventView>& out) = 0;
};

// True if a subscriber's batch of `events` events and `bytes` bytes that ends with `last` is complete.
inline bool AtLimit(const BatchLimits& limits, std::size_t events, std::size_t bytes, const EventView& last) {
  return (events >= limits.events_max || bytes >= limits.bytes_max) && last.index + 1 >= last.count;
}

inline std::size_t BytesOf(const EventView& event) {
  return event.stream.size() + event.type.size() + event.envelope.size() + event.data.size();
}

// The Subscription of every store. It keeps nothing between two calls but its position; may outlive the store, and
// says kCancelled then.
class LogSubscription : public Subscription {
 public:
  LogSubscription(std::shared_ptr<DurableWatermark> watermark, std::unique_ptr<LogReader> reader, Position from)
      : watermark_(std::move(watermark)), reader_(std::move(reader)), next_(from == Position() ? Position(1) : from) {}

  absl::StatusOr<std::vector<EventView>> NextBatch(const BatchLimits& limits, absl::Duration timeout) override;
  void Cancel() override;

 private:
  const std::shared_ptr<DurableWatermark> watermark_;
  const std::unique_ptr<LogReader> reader_;
  std::atomic<bool> cancelled_{false};
  Position next_;
};

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_INTERNAL_LOG_SUBSCRIPTION_H_
