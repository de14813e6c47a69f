#ifndef DAYBOOK_PROJECTION_INTERNAL_PROGRESS_BOARD_H_
#define DAYBOOK_PROJECTION_INTERNAL_PROGRESS_BOARD_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/base/strings.h"
#include "daybook/core/strong.h"

namespace daybook::projection::internal {

// Where every projection stands, and who waits for it. One thread of its own lets waiters go whose time is up; it
// sleeps until the earliest of them.
//
// Thread safety: AddName before the first of the others; everything else from any thread. Handlers are called without
// the lock.
// Invariant: every handler given to WhenReached is called exactly once, at the latest by Stop.
class ProgressBoard {
 public:
  using Handler = absl::AnyInvocable<void(absl::Status)>;
  struct Row {
    std::string name;
    Position position;
    std::uint64_t events = 0;
    Position start_end;  // the log's end when the projection started
    bool started = false;
    absl::Status error;

    bool CaughtUp() const { return started && error.ok() && position >= start_end; }
  };

  explicit ProgressBoard(const Clock& clock);
  ~ProgressBoard();

  // kAlreadyExists. The index is the projection's from now on.
  absl::StatusOr<std::size_t> AddName(std::string_view name);
  std::vector<std::string> Names() const;
  // nullopt: no such name.
  std::optional<std::size_t> Find(std::string_view name) const;

  // The projection runs: it stands at `position`, and the log ends at `log_end`.
  void Started(std::size_t index, Position position, std::uint64_t events, Position log_end);
  // The position is committed.
  void Reached(std::size_t index, Position position, std::uint64_t events);
  // The projection has stopped for good.
  void Failed(std::size_t index, absl::Status why);

  void WhenReached(const std::vector<std::string>& names, Position position, absl::Duration timeout, Handler done);
  std::vector<Row> Rows() const;

  // Answers every waiter, and every later one, with kCancelled, and ends the thread. Idempotent.
  void Stop();

 private:
  struct Waiter;
  using WaiterList = std::list<std::unique_ptr<Waiter>>;
  using ByPosition = std::multimap<Position, WaiterList::iterator>;
  using ByDeadline = std::multimap<absl::Duration, WaiterList::iterator>;
  struct Due {
    Handler handler;
    absl::Status status;
  };

  struct Waiter {
    Handler handler;
    Position position;
    std::vector<std::pair<std::size_t, ByPosition::iterator>> pending;  // projections that are not there yet
    ByDeadline::iterator deadline;                                      // by_deadline_.end(): none
  };

  static absl::Status StoppedError(const Row& row);
  // Takes the waiter out of every index; its handler is to be called with `status` once the lock is released.
  Due Release(WaiterList::iterator waiter, absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeReached(std::size_t index, std::vector<Due>& due) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status PendingError(const Waiter& waiter) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What can be answered without waiting; fills `pending` with the projections to wait for otherwise.
  std::optional<absl::Status> AnswerAtOnce(const std::vector<std::string>& names, Position position,
                                           std::vector<std::size_t>& pending) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RunTimer();
  static void Call(std::vector<Due> due);

  const Clock& clock_;

  mutable absl::Mutex mu_;
  absl::CondVar timer_changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Row> rows_ ABSL_GUARDED_BY(mu_);
  StringMap<std::size_t> index_ ABSL_GUARDED_BY(mu_);
  WaiterList waiters_ ABSL_GUARDED_BY(mu_);
  std::vector<ByPosition> by_position_ ABSL_GUARDED_BY(mu_);  // by projection
  ByDeadline by_deadline_ ABSL_GUARDED_BY(mu_);

  std::jthread timer_;
};

}  // namespace daybook::projection::internal

#endif  // DAYBOOK_PROJECTION_INTERNAL_PROGRESS_BOARD_H_
