#ifndef DAYBOOK_STORE_INTERNAL_DURABLE_WATERMARK_H_
#define DAYBOOK_STORE_INTERNAL_DURABLE_WATERMARK_H_

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/core/strong.h"

namespace daybook::store::internal {

// The last durable position of a store, which readers wait on, and the gate that keeps them out of a closed store.
//
//   watermark->Advance(last);                              // the writer, after its sync returned
//   watermark->WaitBeyond(seen, timeout, cancelled);       // a reader
//
// Thread safety: every method from any thread.
// Invariants:
//   1. The position never goes back.
//   2. When Close has returned no reader is inside EnterRead … LeaveRead, and none gets in again.
class DurableWatermark {
 public:
  explicit DurableWatermark(Position start) : position_(start.value()) {}

  Position Get() const { return Position(position_.load(std::memory_order_acquire)); }

  void Advance(Position to);

  // Blocks until the position is beyond `seen`, `cancelled` is true, Close was called, or `timeout` has passed.
  void WaitBeyond(Position seen, absl::Duration timeout, const std::atomic<bool>& cancelled);

  // Makes waiters look at their `cancelled` again.
  void Wake();

  // False once closed; else LeaveRead must follow.
  bool EnterRead();
  void LeaveRead();

  // Wakes every waiter and waits for the readers inside to leave.
  void Close();
  bool closed() const { return closed_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> position_;
  std::atomic<bool> closed_{false};
  absl::Mutex mu_;
  absl::CondVar changed_;
  int readers_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_INTERNAL_DURABLE_WATERMARK_H_
