#ifndef DAYBOOK_RUNTIME_INTERNAL_DECIDER_H_
#define DAYBOOK_RUNTIME_INTERNAL_DECIDER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "daybook/runtime/internal/aggregate_ops.h"
#include "daybook/runtime/internal/state_cache.h"
#include "daybook/runtime/internal/work.h"
#include "daybook/runtime/partition.h"
#include "daybook/store/event_store.h"

namespace daybook::runtime::internal {

// Turns commands into rows: looks each id up, loads the state, decides, and stages what came of it, so that the next
// command sees it. Knows nothing of threads, queues or durability beyond the number of the last durable chunk.
//
// Thread safety: one thread; the figures from any.
// Invariants:
//   1. A command that is not staged has changed nothing: no position, no revision, no state that is used again.
//   2. Positions are handed out densely from the log's end, in the order of the commands.
//   3. Whatever is staged and not durable stays in memory: states and outcomes.
class Decider {
 public:
  // `log_end`: the last position of the log. Everything given outlives it.
  Decider(const PartitionOptions& options, store::EventStore& store, Position log_end);

  // Begins a chunk: what is decided until the next call becomes durable together. `durable_chunk`: everything up to
  // that one is durable.
  void BeginChunk(std::uint64_t chunk, std::uint64_t durable_chunk);

  // The chunk that must be durable before `request` can be decided; 0 = none. (Its state is broken, and the log does
  // not yet hold what it would be loaded from.)
  std::uint64_t MustWaitFor(const Request& request);

  // Decides, puts the answer into the request, and the rows and the request into `work`.
  void Decide(std::unique_ptr<Request> request, Work& work);

  // Ends the chunk: adds the snapshots that are due.
  void EndChunk(Work& work);

  // Forgets everything, after a commit that failed.
  void DropEverything();

  std::size_t cache_bytes() const { return cache_.bytes(); }
  std::uint64_t states_loaded() const { return states_loaded_.load(std::memory_order_relaxed); }
  std::uint64_t snapshots_ignored() const { return snapshots_ignored_.load(std::memory_order_relaxed); }

 private:
  // An outcome that is not durable yet. The stream is not kept: an equal fingerprint means an equal stream.
  struct StagedOutcome {
    Fingerprint fingerprint = {};
    CommandOutcome::Result result = CommandOutcome::Result::kUnchanged;
    Revision revision;
    Position position;
    std::uint32_t event_count = 0;
    std::unique_ptr<Reject> rejection;
  };

  absl::StatusOr<CommandOutcome> DecideOne(Request& request, Work& work);
  // The outcome of an earlier command with this id; nullopt if there is none.
  absl::StatusOr<std::optional<CommandOutcome>> FindEarlier(const Request& request);
  absl::StatusOr<CachedState*> FindState(const Request& request);
  CommandOutcome Stage(Request& request, CachedState& state, Decided decided, Work& work);
  void StageEvents(const Request& request, CachedState& state, std::vector<store::EventData> events, Work& work);
  void StageOutcome(const Request& request, const CommandOutcome& outcome, Work& work);
  void NoteSnapshotDue(CachedState& state);
  void NoteInput(const Request& request);

  const PartitionOptions& options_;
  store::EventStore& store_;
  StateCache cache_;
  Position log_end_;  // with everything that is staged

  std::uint64_t chunk_ = 0;
  std::uint64_t durable_chunk_ = 0;
  bool any_broken_ = false;  // a state may be broken: user code has thrown
  Timestamp now_;
  absl::Duration monotonic_now_;

  absl::flat_hash_map<CommandId, StagedOutcome> staged_;
  std::deque<std::pair<std::uint64_t, CommandId>> staged_order_;  // chunk and id, oldest first
  std::vector<CachedState*> snapshots_due_;                       // of this chunk
  std::vector<std::shared_ptr<InputProgress>> inputs_;            // of this chunk's commands, each once

  std::atomic<std::uint64_t> states_loaded_{0};
  std::atomic<std::uint64_t> snapshots_ignored_{0};
};

}  // namespace daybook::runtime::internal

#endif  // DAYBOOK_RUNTIME_INTERNAL_DECIDER_H_
