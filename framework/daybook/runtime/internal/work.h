#ifndef DAYBOOK_RUNTIME_INTERNAL_WORK_H_
#define DAYBOOK_RUNTIME_INTERNAL_WORK_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "daybook/runtime/internal/aggregate_ops.h"
#include "daybook/store/event_store.h"

namespace daybook::runtime::internal {

// A state to be written as a snapshot, once the events it holds are durable.
struct SnapshotJob {
  const AggregateOps* ops = nullptr;
  StreamId stream;
  Revision revision;
  Position position;
  std::unique_ptr<const StateBox> state;
};

template <class T>
void MoveBehind(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  from.clear();
}

// What was decided and is not durable yet: the rows, and the commands to answer once they are.
struct Work {
  store::Batch batch;
  std::vector<std::unique_ptr<Request>> answers;
  std::vector<SnapshotJob> snapshots;
  std::size_t bytes = 0;         // of the rows
  std::uint64_t last_chunk = 0;  // the decider's number for what it staged at once

  bool HasRows() const { return !batch.appends.empty() || !batch.outcomes.empty() || !batch.inputs.empty(); }

  // Makes it empty and keeps the vectors' memory: batches come and go all the time.
  void Clear() {
    batch.first_position = Position();
    batch.appends.clear();
    batch.outcomes.clear();
    batch.inputs.clear();
    answers.clear();
    snapshots.clear();
    bytes = 0;
    last_chunk = 0;
  }

  // Puts what was decided later behind this, and leaves `later` empty.
  void TakeFrom(Work& later) {
    if (batch.first_position == Position()) batch.first_position = later.batch.first_position;
    MoveBehind(batch.appends, later.batch.appends);
    MoveBehind(batch.outcomes, later.batch.outcomes);
    MoveBehind(batch.inputs, later.batch.inputs);  // of the same input the later one counts
    MoveBehind(answers, later.answers);
    MoveBehind(snapshots, later.snapshots);
    bytes += later.bytes;
    last_chunk = later.last_chunk;
    later.Clear();
  }
};

}  // namespace daybook::runtime::internal

#endif  // DAYBOOK_RUNTIME_INTERNAL_WORK_H_
