#include "daybook/store/internal/log_subscription.h"

#include "absl/cleanup/cleanup.h"
#include "daybook/base/status.h"

namespace daybook::store::internal {

absl::StatusOr<std::vector<EventView>> LogSubscription::NextBatch(const BatchLimits& limits, absl::Duration timeout) {
  const absl::Status ended = absl::CancelledError("the subscription was cancelled or its store closed");
  if (!watermark_->EnterRead()) return ended;
  const absl::Cleanup leave = [this] { watermark_->LeaveRead(); };

  const Position seen(next_.value() - 1);
  if (watermark_->Get() <= seen) watermark_->WaitBeyond(seen, timeout, cancelled_);
  if (watermark_->closed() || cancelled_.load(std::memory_order_acquire)) return ended;
  const Position to = watermark_->Get();
  std::vector<EventView> events;
  if (to <= seen) return events;
  DAYBOOK_RETURN_IF_ERROR(reader_->Read(next_, to, limits, events));
  if (!events.empty()) next_ = events.back().position.Next();
  return events;
}

void LogSubscription::Cancel() {
  cancelled_.store(true, std::memory_order_release);
  watermark_->Wake();
}

}  // namespace daybook::store::internal
