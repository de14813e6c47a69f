#ifndef DAYBOOK_RUNTIME_INTERNAL_SNAPSHOT_WRITER_H_
#define DAYBOOK_RUNTIME_INTERNAL_SNAPSHOT_WRITER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daybook/runtime/internal/work.h"
#include "daybook/store/event_store.h"

namespace daybook::runtime::internal {

// Serialises states and writes them as snapshots, on a thread of its own. A full queue skips: a snapshot only saves
// time.
//
// Thread safety: Queue and Stop from one thread at a time each; the figures from any.
class SnapshotWriter {
 public:
  // `store_mu` is held around every write to the store. Both outlive it.
  SnapshotWriter(store::EventStore& store, absl::Mutex& store_mu, std::size_t queue_max);
  ~SnapshotWriter() { Stop(); }

  // Takes the jobs over. The events they hold are durable.
  void Queue(std::vector<SnapshotJob>& jobs);

  // Writes what is queued and ends. Idempotent.
  void Stop();

  std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }
  std::uint64_t skipped() const { return skipped_.load(std::memory_order_relaxed); }

 private:
  void Run();
  void Write(const std::vector<store::SnapshotRow>& rows);

  store::EventStore& store_;
  absl::Mutex& store_mu_;
  const std::size_t queue_max_;

  absl::Mutex mu_;
  absl::CondVar wakeup_;
  std::deque<SnapshotJob> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> skipped_{0};
  std::jthread thread_;  // last: it uses the others
};

}  // namespace daybook::runtime::internal

#endif  // DAYBOOK_RUNTIME_INTERNAL_SNAPSHOT_WRITER_H_
