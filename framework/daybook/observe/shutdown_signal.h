#ifndef DAYBOOK_OBSERVE_SHUTDOWN_SIGNAL_H_
#define DAYBOOK_OBSERVE_SHUTDOWN_SIGNAL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace daybook::observe {

// SIGTERM and SIGINT as something that main can wait for.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto shutdown, ShutdownSignal::Install());
//   … start everything …
//   shutdown->Wait();
//   … drain, stop, close; return 0 …
//
// Thread safety: every method from any thread; the signal may arrive on any thread.
// Invariants:
//  1. The first signal is only noted. One that comes kOneAsking later or more ends the process as if nobody had asked:
//     an impatient operator wins. One that comes sooner is the same asking: whoever ends a process and then its group,
//     as timeout(1) does, sends two.
//  2. SIGPIPE is ignored from Install on: a closed peer is an error of the write, not the end.
//  3. At most one exists at a time; its destructor restores the earlier handlers.
class ShutdownSignal {
 public:
  static constexpr absl::Duration kOneAsking = absl::Milliseconds(500);

  // kFailedPrecondition: one exists; kInternal with the system's reason.
  static absl::StatusOr<std::unique_ptr<ShutdownSignal>> Install();
  ~ShutdownSignal();

  // Blocks until a signal or Raise.
  void Wait();
  // The same for at most `limit`: true if it came.
  bool WaitFor(absl::Duration limit);
  bool raised() { return WaitFor(absl::ZeroDuration()); }

  // As if the signal had come: for a part of the program that cannot go on.
  void Raise();

 private:
  struct Impl;
  explicit ShutdownSignal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::observe

#endif  // DAYBOOK_OBSERVE_SHUTDOWN_SIGNAL_H_
