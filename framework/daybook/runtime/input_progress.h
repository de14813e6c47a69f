#ifndef DAYBOOK_RUNTIME_INPUT_PROGRESS_H_
#define DAYBOOK_RUNTIME_INPUT_PROGRESS_H_

#include <cstdint>
#include <memory>

#include "daybook/store/event_store.h"

namespace daybook::runtime {

// How far an input (one partition of a topic, a file) has been answered, kept by whoever reads it. Its position is
// written into the batch that holds what the commands came to: a reader that goes on from the stored position after a
// crash meets commands that were answered only in front of ones that were not, and never misses one.
//
//   class Offsets final : public InputProgress { … };                                 // bus/command_consumer.h has one
//   executor.Execute(key, command, {.id = id, .input = CommandInput{offsets, 17}}, done);
//
// Thread safety: Decided and position are called on the partition's decider thread, while the reader's own thread does
// what it does: an implementation locks.
// Invariants that an implementation keeps:
//   1. position() names a place before which every command is decided or durably set aside.
//   2. It never goes back.
class InputProgress {
 public:
  virtual ~InputProgress() = default;

  // The command with this number has an outcome (an earlier one with the same id counts, a rejection too), which the
  // batch being made holds, or one before it. Not called for a command that was answered with an error.
  virtual void Decided(std::uint64_t number) = 0;

  // What to store, called after Decided for every batch that has a command of this input.
  virtual store::InputPosition position() = 0;
};

// Where a command was read. Thread safety: a value type.
struct CommandInput {
  std::shared_ptr<InputProgress> progress;  // never null
  std::uint64_t number = 0;                 // the input's own: an offset, a line
};

}  // namespace daybook::runtime

#endif  // DAYBOOK_RUNTIME_INPUT_PROGRESS_H_
