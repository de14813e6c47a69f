#ifndef DAYBOOK_RUNTIME_EXECUTOR_H_
#define DAYBOOK_RUNTIME_EXECUTOR_H_

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/synchronization/notification.h"
#include "daybook/base/check.h"
#include "daybook/codec/upcasters.h"
#include "daybook/core/aggregate.h"
#include "daybook/runtime/command.h"
#include "daybook/runtime/internal/aggregate_ops.h"
#include "daybook/runtime/internal/load_state.h"
#include "daybook/runtime/partition.h"
#include "daybook/runtime/snapshot_policy.h"

namespace daybook::runtime {

// Executes the commands of one aggregate type on a partition.
//
//   Executor<Payee> payees(*partition, {.snapshots = SnapshotPolicy::EveryEvents(100)});
//   payees.Execute(key, Suspend(), {.id = id}, [](absl::StatusOr<CommandOutcome> o) { … });   // returns at once
//   absl::StatusOr<CommandOutcome> o = payees.ExecuteAndWait(key, Suspend(), {.id = id});     // blocks
//
// Thread safety: every method from any thread. The partition outlives it.
// Invariants:
//   1. Each handler is called exactly once (command.h says with what), on the partition's own threads or, for what is
//      refused at once, inside Execute; it hands work on and does not block.
//   2. Commands of one caller thread are decided in the order of its calls.
//   3. A category has one aggregate type on a partition, and its first executor's options stand; another type aborts.
//   4. An aggregate whose state's meaning changes without its schema (Evolve folds differently) declares
//      `static constexpr int kFoldVersion` and counts it up: older snapshots are then not used.
template <Aggregate A>
class Executor {
 public:
  struct Options {
    SnapshotPolicy snapshots = SnapshotPolicy::EveryEvents(100);
    codec::Upcasters upcasters;
  };

  // Aborts if an upcaster chain is broken (codec::Upcasters): such a program must not start.
  explicit Executor(Partition& partition) : Executor(partition, Options()) {}
  Executor(Partition& partition, Options options)
      : partition_(partition),
        ops_(partition.Register(
            std::make_unique<internal::TypedOps<A>>(std::move(options.snapshots), std::move(options.upcasters)))) {
    DAYBOOK_CHECK(ops_.type_tag() == internal::TypedOps<A>::TypeTag(), "one category, one aggregate type");
  }

  // Queues `command` for the aggregate `key` (the stream is A::kCategory/key) and calls `done` exactly once.
  void Execute(std::string_view key, typename A::Command command, CommandOptions options, OutcomeHandler done) {
    partition_.Submit(MakeRequest(key, std::move(command), std::move(options), nullptr, std::move(done)));
  }

  // Asked of the aggregate's state as the command finds it, before anything of the command is looked at, its id
  // included: what it returns is answered instead, nothing is written, and the id stays free. It runs on the
  // partition's thread.
  using Guard = std::function<absl::Status(const typename A::State&)>;

  // The same, if `guard` lets it: OK is a yes. No other command comes between the guard and the decision.
  void ExecuteGuarded(std::string_view key, typename A::Command command, CommandOptions options, Guard guard,
                      OutcomeHandler done) {
    partition_.Submit(MakeRequest(key, std::move(command), std::move(options), std::move(guard), std::move(done)));
  }

  // The same, waiting for the outcome. Costs a blocked thread: for tools, tests and low rates. Not from a handler.
  absl::StatusOr<CommandOutcome> ExecuteAndWait(std::string_view key, typename A::Command command,
                                                CommandOptions options) {
    absl::Notification answered;
    absl::StatusOr<CommandOutcome> outcome = absl::InternalError("not answered");
    Execute(key, std::move(command), std::move(options), [&](absl::StatusOr<CommandOutcome> answer) {
      outcome = std::move(answer);
      answered.Notify();
    });
    answered.WaitForNotification();
    return outcome;
  }

  // The outcome stored for an id; kNotFound if it is unknown, expired, or not durable yet. For operation resources.
  absl::StatusOr<CommandOutcome> FindOutcome(CommandId id) { return partition_.FindOutcome(id); }

  // The aggregate's state and revision as of the durable log, folded from its stream (and a snapshot where it is good).
  // Revision 0 and an empty state if it has no events. Errors as command.h's kDataLoss, kInvalidArgument, kInternal.
  // For reads at low rates, tests and tools; it does not go through the committer.
  struct Loaded {
    typename A::State state;
    Revision revision;
  };
  absl::StatusOr<Loaded> Load(std::string_view key) {
    absl::StatusOr<internal::LoadedState> loaded =
        internal::LoadState(partition_.store(), ops_, StreamId(A::kCategory, key));
    if (!loaded.ok()) return std::move(loaded).status();
    return Loaded{std::move(internal::TypedOps<A>::Of(*loaded->state)), loaded->revision};
  }

 private:
  std::unique_ptr<internal::Request> MakeRequest(std::string_view key, typename A::Command command,
                                                 CommandOptions options, Guard guard, OutcomeHandler done) {
    auto request = std::make_unique<internal::TypedRequest<A>>(std::move(command), std::move(guard));
    request->ops = &ops_;
    request->stream = StreamId(A::kCategory, key);
    request->options = std::move(options);
    request->done = std::move(done);
    request->Identify();
    return request;
  }

  Partition& partition_;
  const internal::AggregateOps& ops_;
};

}  // namespace daybook::runtime

#endif  // DAYBOOK_RUNTIME_EXECUTOR_H_
