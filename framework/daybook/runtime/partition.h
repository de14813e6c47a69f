#ifndef DAYBOOK_RUNTIME_PARTITION_H_
#define DAYBOOK_RUNTIME_PARTITION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/base/uuid_source.h"
#include "daybook/runtime/command.h"
#include "daybook/runtime/commit_point.h"
#include "daybook/store/event_store.h"

namespace daybook::runtime {

namespace internal {
class AggregateOps;
class Request;
}  // namespace internal

struct PartitionOptions {
  PartitionId partition;
  std::size_t queue_commands_max = 16384;           // waiting commands; more are kResourceExhausted
  std::size_t batch_commands_max = 4096;            // decided into one batch
  std::size_t queue_bytes_max = 256 * 1024 * 1024;  // of waiting commands; likewise
  std::size_t batch_bytes_max = 8 * 1024 * 1024;
  std::size_t snapshot_queue_max = 1024;  // states waiting to be written as snapshots; more are skipped
  std::size_t state_cache_bytes_max = 256 * 1024 * 1024;
  absl::Duration outcome_retention = absl::Hours(168);
  const Clock* clock = &Clock::System();
  UuidSource* ids = &UuidSource::System();
};

// Figures since the start; for metrics.
struct PartitionStats {
  std::uint64_t commands_committed = 0;
  std::uint64_t commands_unchanged = 0;
  std::uint64_t commands_rejected = 0;
  std::uint64_t commands_duplicate = 0;
  std::uint64_t commands_failed = 0;
  std::uint64_t events = 0;
  std::uint64_t batches = 0;
  std::uint64_t snapshots_written = 0;
  std::uint64_t snapshots_ignored = 0;  // damaged, of another schema, or not on the log: replayed instead
  std::uint64_t snapshots_skipped = 0;  // due, but too many waited
  std::uint64_t states_loaded = 0;
  std::uint64_t cache_bytes = 0;
  std::uint64_t queue_commands = 0;  // waiting now
  Position durable;                  // the watermark now
};

// One partition's committer: drains all waiting commands, decides them in order against cached states (each sees what
// the earlier ones staged), makes them durable in one batch, and only then answers.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto partition, Partition::Start(options, *store));
//   Executor<Payee> payees(*partition);
//   payees.Execute("42", pb::Suspend(), {}, [](absl::StatusOr<CommandOutcome> outcome) { … });
//
// Thread safety: every method from any thread.
// Invariants: architecture.md section 4; each has a test in runtime/tests. In short: dense positions, an answer only
// after durability, one outcome per command id for ever (within the retention), a failed commit poisons.
class Partition {
 public:
  // Claims the store's writer epoch and starts the threads. The store outlives the partition.
  static absl::StatusOr<std::unique_ptr<Partition>> Start(const PartitionOptions& options, store::EventStore& store);
  // The same with another commit point, which outlives the partition.
  static absl::StatusOr<std::unique_ptr<Partition>> Start(const PartitionOptions& options, store::EventStore& store,
                                                          CommitPoint& commit_point);

  // As Stop(InfiniteDuration). Not from a handler.
  virtual ~Partition() = default;

  // Closes the intake (kUnavailable from now on), lets what waits finish until `grace` has passed, then refuses the
  // rest with kUnavailable (reason STOPPING), and joins the threads. Every handler has been called when it returns.
  // Idempotent. Not from a handler: it would wait for itself.
  virtual void Stop(absl::Duration grace) = 0;

  // OK, or why commands are refused: kUnavailable with reason PARTITION_POISONED or STOPPING.
  virtual absl::Status health() const = 0;

  virtual PartitionStats stats() const = 0;

  // Stores an input's position without a command, in the next batch: when it has moved because of what was set aside,
  // or the reader has nothing more. `done` as OutcomeHandler, with an outcome that says nothing; QUEUE_FULL, STOPPING
  // and PARTITION_POISONED occur.
  virtual void StoreInput(std::shared_ptr<InputProgress> progress, OutcomeHandler done) = 0;

  virtual store::EventStore& store() = 0;
  virtual const PartitionOptions& options() const = 0;

  // For Executor. Takes over an aggregate type's operations; a category's first ones stay and are returned.
  virtual const internal::AggregateOps& Register(std::unique_ptr<internal::AggregateOps> ops) = 0;
  // For Executor. Queues the request, or calls its handler at once with the reason for not doing so.
  virtual void Submit(std::unique_ptr<internal::Request> request) = 0;
  // For Executor. The outcome stored for an id.
  virtual absl::StatusOr<CommandOutcome> FindOutcome(CommandId id) = 0;
};

}  // namespace daybook::runtime

#endif  // DAYBOOK_RUNTIME_PARTITION_H_
