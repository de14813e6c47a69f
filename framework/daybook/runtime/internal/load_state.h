#ifndef DAYBOOK_RUNTIME_INTERNAL_LOAD_STATE_H_
#define DAYBOOK_RUNTIME_INTERNAL_LOAD_STATE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daybook/core/stream_id.h"
#include "daybook/core/strong.h"
#include "daybook/runtime/internal/aggregate_ops.h"
#include "daybook/store/event_store.h"

namespace daybook::runtime::internal {

// A state folded from the durable log.
struct LoadedState {
  std::unique_ptr<StateBox> state;
  Revision revision;           // 0 = no events
  Position position;           // of the last event
  Revision snapshot_revision;  // where the replay began; 0 = no snapshot was used
  std::uint64_t snapshots_ignored = 0;
};

// Folds `stream` from its snapshot where that is beyond doubt, and else from its first event. Thread safety: any
// thread. kInvalidArgument: an invalid stream id. kDataLoss: damaged, or not dense, or an event of unknown type (reason
// UNKNOWN_EVENT_TYPE), naming position and stream. kInternal: user code threw. Errors of the store are passed on.
absl::StatusOr<LoadedState> LoadState(store::EventStore& store, const AggregateOps& ops, const StreamId& stream);

// A snapshot row of `state`, whose last event is `revision` at `position`. The row's bytes end with a checksum over the
// whole row (docs/reference/formats/envelope.md).
store::SnapshotRow MakeSnapshot(const AggregateOps& ops, const StreamId& stream, Revision revision, Position position,
                                const StateBox& state);

}  // namespace daybook::runtime::internal

#endif  // DAYBOOK_RUNTIME_INTERNAL_LOAD_STATE_H_
