#include "daybook/projection/internal/progress_board.h"

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"

namespace daybook::projection::internal {

ProgressBoard::ProgressBoard(const Clock& clock) : clock_(clock), timer_([this] { RunTimer(); }) {}

ProgressBoard::~ProgressBoard() { Stop(); }

absl::StatusOr<std::size_t> ProgressBoard::AddName(std::string_view name) {
  absl::MutexLock lock(&mu_);
  const std::size_t index = rows_.size();
  if (!index_.emplace(std::string(name), index).second) {
    return absl::AlreadyExistsError(absl::StrCat("projection ", ToAbsl(name), " was added before"));
  }
  rows_.emplace_back().name = name;
  by_position_.emplace_back();
  return index;
}

std::vector<std::string> ProgressBoard::Names() const {
  absl::MutexLock lock(&mu_);
  std::vector<std::string> out;
  for (const Row& row : rows_) out.push_back(row.name);
  return out;
}

std::optional<std::size_t> ProgressBoard::Find(std::string_view name) const {
  absl::MutexLock lock(&mu_);
  const auto found = index_.find(name);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

void ProgressBoard::Started(std::size_t index, Position position, std::uint64_t events, Position log_end) {
  std::vector<Due> due;
  {
    absl::MutexLock lock(&mu_);
    Row& row = rows_[index];
    row.position = position;
    row.events = events;
    row.start_end = log_end;
    row.started = true;
    TakeReached(index, due);
  }
  Call(std::move(due));
}

void ProgressBoard::Reached(std::size_t index, Position position, std::uint64_t events) {
  std::vector<Due> due;
  {
    absl::MutexLock lock(&mu_);
    rows_[index].position = position;
    rows_[index].events = events;
    TakeReached(index, due);
  }
  Call(std::move(due));
}

void ProgressBoard::Failed(std::size_t index, absl::Status why) {
  std::vector<Due> due;
  {
    absl::MutexLock lock(&mu_);
    rows_[index].error = std::move(why);
    while (!by_position_[index].empty()) {
      due.push_back(Release(by_position_[index].begin()->second, StoppedError(rows_[index])));
    }
  }
  Call(std::move(due));
}

absl::Status ProgressBoard::StoppedError(const Row& row) {
  return WithReason(absl::FailedPreconditionError(absl::StrCat("projection ", row.name, " has stopped at position ",
                                                               row.position.value(), ": ", row.error.message())),
                    "PROJECTION_STOPPED");
}

absl::Status ProgressBoard::PendingError(const Waiter& waiter) const {
  std::string message = absl::StrCat("position ", waiter.position.value(), " is not shown in time by");
  for (const auto& [index, place] : waiter.pending) {
    absl::StrAppend(&message, " ", rows_[index].name, " (at ", rows_[index].position.value(), ")");
  }
  return WithReason(absl::DeadlineExceededError(message), "NOT_YET_PROJECTED");
}

ProgressBoard::Due ProgressBoard::Release(WaiterList::iterator waiter, absl::Status status) {
  for (const auto& [index, place] : (*waiter)->pending) by_position_[index].erase(place);
  if ((*waiter)->deadline != by_deadline_.end()) by_deadline_.erase((*waiter)->deadline);
  Due due{std::move((*waiter)->handler), std::move(status)};
  waiters_.erase(waiter);
  return due;
}

void ProgressBoard::TakeReached(std::size_t index, std::vector<Due>& due) {
  ByPosition& waiting = by_position_[index];
  while (!waiting.empty() && waiting.begin()->first <= rows_[index].position) {
    const WaiterList::iterator waiter = waiting.begin()->second;
    waiting.erase(waiting.begin());
    auto& pending = (*waiter)->pending;
    std::erase_if(pending, [&](const auto& p) { return p.first == index; });
    if (pending.empty()) due.push_back(Release(waiter, absl::OkStatus()));
  }
}

std::optional<absl::Status> ProgressBoard::AnswerAtOnce(const std::vector<std::string>& names, Position position,
                                                        std::vector<std::size_t>& pending) const {
  if (stopped_) return absl::CancelledError("the projections are stopping");
  for (const std::string& name : names) {
    const auto found = index_.find(name);
    if (found == index_.end()) return absl::NotFoundError(absl::StrCat("there is no projection ", name));
    const Row& row = rows_[found->second];
    if (row.position >= position) continue;
    if (!row.error.ok()) return StoppedError(row);
    if (std::find(pending.begin(), pending.end(), found->second) == pending.end()) pending.push_back(found->second);
  }
  if (pending.empty()) return absl::OkStatus();
  return std::nullopt;
}

void ProgressBoard::WhenReached(const std::vector<std::string>& names, Position position, absl::Duration timeout,
                                Handler done) {
  std::optional<absl::Status> answer;
  {
    absl::MutexLock lock(&mu_);
    std::vector<std::size_t> pending;
    answer = AnswerAtOnce(names, position, pending);
    if (!answer) {
      const auto waiter = waiters_.insert(waiters_.end(), std::make_unique<Waiter>());
      (*waiter)->handler = std::move(done);
      (*waiter)->position = position;
      for (const std::size_t index : pending) {
        (*waiter)->pending.emplace_back(index, by_position_[index].emplace(position, waiter));
      }
      (*waiter)->deadline = by_deadline_.end();
      if (timeout != absl::InfiniteDuration()) {
        (*waiter)->deadline = by_deadline_.emplace(clock_.Monotonic() + timeout, waiter);
        if ((*waiter)->deadline == by_deadline_.begin()) timer_changed_.Signal();
      }
    }
  }
  if (answer) done(*std::move(answer));
}

std::vector<ProgressBoard::Row> ProgressBoard::Rows() const {
  absl::MutexLock lock(&mu_);
  return rows_;
}

void ProgressBoard::Stop() {
  std::vector<Due> due;
  {
    absl::MutexLock lock(&mu_);
    stopped_ = true;
    while (!waiters_.empty()) {
      due.push_back(Release(waiters_.begin(), absl::CancelledError("the projections are stopping")));
    }
    timer_changed_.Signal();
  }
  Call(std::move(due));
  if (timer_.joinable() && timer_.get_id() != std::this_thread::get_id()) timer_.join();
}

void ProgressBoard::RunTimer() {
  while (true) {
    std::vector<Due> due;
    {
      absl::MutexLock lock(&mu_);
      if (stopped_) return;
      if (by_deadline_.empty()) {
        timer_changed_.Wait(&mu_);
        continue;
      }
      const absl::Duration left = by_deadline_.begin()->first - clock_.Monotonic();
      if (left > absl::ZeroDuration()) {
        timer_changed_.WaitWithTimeout(&mu_, left);
        continue;
      }
      const WaiterList::iterator waiter = by_deadline_.begin()->second;
      absl::Status why = PendingError(**waiter);
      due.push_back(Release(waiter, std::move(why)));
    }
    Call(std::move(due));
  }
}

void ProgressBoard::Call(std::vector<Due> due) {
  for (Due& d : due) d.handler(std::move(d.status));
}

}  // namespace daybook::projection::internal
