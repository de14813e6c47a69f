#include "daybook/store/internal/durable_watermark.h"

#include "daybook/base/clock.h"

namespace daybook::store::internal {

void DurableWatermark::Advance(Position to) {
  absl::MutexLock lock(&mu_);
  if (to.value() <= position_.load(std::memory_order_relaxed)) return;
  position_.store(to.value(), std::memory_order_release);
  changed_.SignalAll();
}

void DurableWatermark::WaitBeyond(Position seen, absl::Duration timeout, const std::atomic<bool>& cancelled) {
  const absl::Duration until = MonotonicNow() + timeout;
  absl::MutexLock lock(&mu_);
  while (Get() <= seen && !closed() && !cancelled.load(std::memory_order_acquire)) {
    const absl::Duration left = until - MonotonicNow();
    if (left <= absl::ZeroDuration()) return;
    changed_.WaitWithTimeout(&mu_, left);
  }
}

void DurableWatermark::Wake() {
  absl::MutexLock lock(&mu_);
  changed_.SignalAll();
}

bool DurableWatermark::EnterRead() {
  absl::MutexLock lock(&mu_);
  if (closed()) return false;
  ++readers_;
  return true;
}

void DurableWatermark::LeaveRead() {
  absl::MutexLock lock(&mu_);
  if (--readers_ == 0) changed_.SignalAll();
}

void DurableWatermark::Close() {
  absl::MutexLock lock(&mu_);
  closed_.store(true, std::memory_order_release);
  changed_.SignalAll();
  while (readers_ > 0) changed_.Wait(&mu_);
}

}  // namespace daybook::store::internal
