#ifndef DAYBOOK_RUNTIME_EXECUTOR_H_
#define DAYBOOK_RUNTIME_EXECUTOR_H_

#include <memory>
#include <string_view>

#include "daybook/codec/upcasters.h"
#include "daybook/core/aggregate.h"
#include "daybook/runtime/command.h"
#include "daybook/runtime/partition.h"
#include "daybook/runtime/snapshot_policy.h"

namespace daybook::runtime {

// Executes the commands of one aggregate type on a partition.
//
//   Executor<Payee> payees(*partition, {.snapshots = SnapshotPolicy::EveryEvents(100)});
//   payees.Execute(key, Suspend(), {.id = id}, [](absl::StatusOr<CommandOutcome> o) { … });   // returns at once
//   absl::StatusOr<CommandOutcome> o = payees.ExecuteAndWait(key, Suspend(), {.id = id});     // blocks
//
// Thread safety: every method from any thread. The partition outlives it. Handlers run on the partition's own threads:
// they hand work on and do not block.
template <Aggregate A>
class Executor {
 public:
  struct Options {
    SnapshotPolicy snapshots = SnapshotPolicy::EveryEvents(100);
    codec::Upcasters upcasters;
  };

  explicit Executor(Partition& partition, Options options = {});

  // Queues `command` for the aggregate `key` (the stream is A::kCategory/key) and calls `done` exactly once.
  void Execute(std::string_view key, typename A::Command command, CommandOptions options, OutcomeHandler done);

  // The same, waiting for the outcome. Costs a blocked thread: for tools, tests and low rates.
  absl::StatusOr<CommandOutcome> ExecuteAndWait(std::string_view key, typename A::Command command,
                                                CommandOptions options);

  // The outcome stored for an id; kNotFound if it is unknown or expired. For operation resources.
  absl::StatusOr<CommandOutcome> FindOutcome(CommandId id);

  // The aggregate's state and revision as of the durable log, folded from its stream (and a snapshot where it is good).
  // For tests and tools; it does not go through the committer.
  struct Loaded {
    typename A::State state;
    Revision revision;
  };
  absl::StatusOr<Loaded> Load(std::string_view key);
};

}  // namespace daybook::runtime

#endif  // DAYBOOK_RUNTIME_EXECUTOR_H_
