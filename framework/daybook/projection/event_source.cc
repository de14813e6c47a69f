#include "daybook/projection/event_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace daybook::projection {
namespace {

class StoreEventFeed final : public EventFeed {
 public:
  explicit StoreEventFeed(std::unique_ptr<store::Subscription> subscription) : subscription_(std::move(subscription)) {}

  absl::StatusOr<std::vector<store::EventView>> NextBatch(const store::BatchLimits& limits,
                                                          absl::Duration timeout) override {
    return subscription_->NextBatch(limits, timeout);
  }
  std::string CursorAfter(std::size_t) const override { return {}; }  // the position says it all
  Arrival ArrivalOf(std::size_t) const override { return {}; }
  absl::Status waiting() const override { return absl::OkStatus(); }
  void Cancel() override { subscription_->Cancel(); }

 private:
  const std::unique_ptr<store::Subscription> subscription_;
};

absl::Status CheckLogHolds(store::EventStore& store, const FeedStart& start) {
  if (start.after == Position(0)) return absl::OkStatus();
  if (!start.cursor.empty()) {
    return absl::FailedPreconditionError("it was built from topics, not from this log; drop its table to rebuild");
  }
  const Position log_end = store.DurableWatermark();
  if (start.after > log_end) {
    return absl::FailedPreconditionError(
        absl::StrCat("it is at position ", start.after.value(), ", but the log ends at ", log_end.value(),
                     ": it is newer than the log (was the log restored from a backup?); drop its table to rebuild"));
  }
  const std::unique_ptr<store::EventCursor> cursor = store.ReadAll(start.after);
  DAYBOOK_ASSIGN_OR_RETURN(const bool found, cursor->Next());
  if (!found || TipOf(cursor->event()) != start.tip) {
    return absl::FailedPreconditionError(absl::StrCat("it was built from another log: the event at position ",
                                                      start.after.value(),
                                                      " is not the one that it holds; drop its table to rebuild"));
  }
  return absl::OkStatus();
}

}  // namespace

LogTip TipOf(const store::EventView& event) {
  std::string bytes;
  bytes.reserve(event.stream.size() + event.envelope.size() + 32);
  AppendLengthPrefixed(bytes, event.stream);
  AppendBigEndian64(bytes, event.revision.value());
  AppendBigEndian64(bytes, event.position.value());
  bytes.append(event.envelope);
  return Hash128(bytes);
}

absl::StatusOr<std::unique_ptr<EventFeed>> StoreEventSource::Open(const FeedStart& start) {
  DAYBOOK_RETURN_IF_ERROR(CheckLogHolds(store_, start));
  return std::make_unique<StoreEventFeed>(store_.Subscribe(start.after.Next()));
}

}  // namespace daybook::projection
