#include "daybook/runtime/internal/snapshot_writer.h"

#include <utility>

#include "daybook/base/log.h"
#include "daybook/runtime/internal/load_state.h"

namespace daybook::runtime::internal {
namespace {

constexpr std::size_t kRowsPerWrite = 64;

}  // namespace

SnapshotWriter::SnapshotWriter(store::EventStore& store, absl::Mutex& store_mu, std::size_t queue_max)
    : store_(store), store_mu_(store_mu), queue_max_(queue_max), thread_([this] { Run(); }) {}

void SnapshotWriter::Queue(std::vector<SnapshotJob>& jobs) {
  if (jobs.empty()) return;
  absl::MutexLock lock(&mu_);
  for (SnapshotJob& job : jobs) {
    if (stopping_ || queue_.size() >= queue_max_) {
      skipped_.fetch_add(1, std::memory_order_relaxed);
    } else {
      queue_.push_back(std::move(job));
    }
  }
  wakeup_.Signal();
}

void SnapshotWriter::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    wakeup_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

void SnapshotWriter::Run() {
  std::vector<SnapshotJob> jobs;
  std::vector<store::SnapshotRow> rows;
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      while (queue_.empty() && !stopping_) wakeup_.Wait(&mu_);
      if (queue_.empty()) return;
      for (; !queue_.empty() && jobs.size() < kRowsPerWrite; queue_.pop_front()) {
        jobs.push_back(std::move(queue_.front()));
      }
    }
    for (const SnapshotJob& job : jobs) {
      rows.push_back(MakeSnapshot(*job.ops, job.stream, job.revision, job.position, *job.state));
    }
    Write(rows);
    jobs.clear();
    rows.clear();
  }
}

void SnapshotWriter::Write(const std::vector<store::SnapshotRow>& rows) {
  absl::Status status;
  {
    absl::MutexLock lock(&store_mu_);
    status = store_.WriteSnapshots(rows);
  }
  if (status.ok()) {
    written_.fetch_add(rows.size(), std::memory_order_relaxed);
  } else {
    skipped_.fetch_add(rows.size(), std::memory_order_relaxed);
    Log(LogLevel::kWarning, "snapshots were not written", {{"error", status.ToString()}});
  }
}

}  // namespace daybook::runtime::internal
