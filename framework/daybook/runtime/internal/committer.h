#ifndef DAYBOOK_RUNTIME_INTERNAL_COMMITTER_H_
#define DAYBOOK_RUNTIME_INTERNAL_COMMITTER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "daybook/runtime/internal/decider.h"
#include "daybook/runtime/internal/snapshot_writer.h"
#include "daybook/runtime/internal/work.h"
#include "daybook/runtime/partition.h"

namespace daybook::runtime::internal {

// The partition's three threads. The decider drains the queue, decides a chunk of commands at a time and puts the rows
// into the mailbox; the writer takes all that is in the mailbox, makes it durable in one commit, and answers. While it
// commits, the mailbox grows. The third writes snapshots.
//
// Thread safety: every public method from any thread.
// Invariants:
//   1. Every answer waits for the commit of its chunk and of all before it, errors too: what was staged, and might be
//      lost, cannot be learnt from an answer.
//   2. After a failed commit nothing is decided or committed any more; every command that waits is answered.
//   3. No handler runs while a lock is held.
class Committer final : public Partition {
 public:
  Committer(const PartitionOptions& options, store::EventStore& store, CommitPoint& commit_point, WriterEpoch epoch);
  ~Committer() override { Stop(absl::InfiniteDuration()); }

  void Stop(absl::Duration grace) override;
  absl::Status health() const override;
  PartitionStats stats() const override;
  store::EventStore& store() override { return store_; }
  const PartitionOptions& options() const override { return options_; }
  const AggregateOps& Register(std::unique_ptr<AggregateOps> ops) override;
  void Submit(std::unique_ptr<Request> request) override;
  void StoreInput(std::shared_ptr<InputProgress> progress, OutcomeHandler done) override;
  absl::StatusOr<CommandOutcome> FindOutcome(CommandId id) override;

 private:
  struct Counters {
    std::atomic<std::uint64_t> committed{0}, unchanged{0}, rejected{0}, duplicate{0}, failed{0}, events{0}, batches{0};
  };

  // OK if the request may wait in the queue.
  absl::Status Admit(const Request& request) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static absl::Status CheckRequest(const Request& request);

  // The decider's thread.
  void RunDecider();
  bool Drain(std::vector<std::unique_ptr<Request>>& drained);
  // Decides from `begin` on and stages; returns where to go on.
  std::size_t DecideChunk(std::vector<std::unique_ptr<Request>>& drained, std::size_t begin);
  void StageInMailbox(Work& work);
  bool HasRoomFor(const Work& work) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WaitForTheWriter() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WaitUntilDurable(std::uint64_t chunk);

  // The writer's thread.
  void RunWriter();
  bool Take(Work& work);
  void LetTheDeciderCatchUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Finish(Work& work);
  absl::Status Commit(Work& work);
  void NoteCommitTime(absl::Duration taken);
  void Poison(const absl::Status& cause);
  void Count(const Request& answered);

  // Any thread.
  absl::Status refusal() const;
  void Answer(std::vector<std::unique_ptr<Request>>& requests);
  void FailAll(std::vector<std::unique_ptr<Request>>& requests, const absl::Status& status);

  // Constant after construction.
  const PartitionOptions options_;
  store::EventStore& store_;
  CommitPoint& commit_point_;
  const WriterEpoch epoch_;

  // Their own synchronisation.
  Counters counters_;
  std::atomic<std::uint64_t> durable_chunk_{0};
  std::atomic<bool> refuse_rest_{false};  // the grace of Stop is over
  mutable absl::Mutex ops_mu_;
  std::map<std::string, std::unique_ptr<AggregateOps>, std::less<>> ops_ ABSL_GUARDED_BY(ops_mu_);
  absl::Mutex stop_mu_;  // held by the one who joins

  // Queue and mailbox.
  mutable absl::Mutex mu_;
  absl::CondVar decider_wakeup_;
  absl::CondVar writer_wakeup_;
  absl::CondVar decider_ended_;
  std::vector<std::unique_ptr<Request>> queue_ ABSL_GUARDED_BY(mu_);
  std::size_t waiting_commands_ ABSL_GUARDED_BY(mu_) = 0;  // in the queue, or drained and not staged
  std::size_t waiting_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::uint64_t staged_commands_ ABSL_GUARDED_BY(mu_) = 0;  // since the start
  std::uint64_t writer_target_ ABSL_GUARDED_BY(mu_) = 0;    // of staged_commands_, that the writer waits for
  Work mailbox_ ABSL_GUARDED_BY(mu_);
  bool decider_waits_ ABSL_GUARDED_BY(mu_) = false;
  bool decider_blocked_ ABSL_GUARDED_BY(mu_) = false;  // it waits for the writer
  bool writer_waits_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;  // no more commands are taken
  bool decider_done_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status poisoned_ ABSL_GUARDED_BY(mu_);
  absl::Duration decide_time_ ABSL_GUARDED_BY(mu_);  // of one command, lately
  absl::Duration commit_time_ ABSL_GUARDED_BY(mu_);  // of the quickest commit, lately

  // Used by the decider's thread only.
  Decider decider_;
  std::uint64_t chunk_ = 0;
  Work chunk_work_;

  // The writer's and the snapshot writer's threads take turns at the store.
  absl::Mutex store_mu_;
  SnapshotWriter snapshot_writer_;
  std::jthread decider_thread_;
  std::jthread writer_thread_;
};

}  // namespace daybook::runtime::internal

#endif  // DAYBOOK_RUNTIME_INTERNAL_COMMITTER_H_
