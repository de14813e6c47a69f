#ifndef DAYBOOK_BUS_INTERNAL_DELIVERIES_H_
#define DAYBOOK_BUS_INTERNAL_DELIVERIES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/core/strong.h"
#include "daybook/core/timestamp.h"

namespace daybook::bus::internal {

// What a publisher has under way, by output (a topic's partition, whose records are answered in order).
//
// Thread safety: every method from any thread.
class Deliveries {
 public:
  struct Sent {
    Position position;
    absl::Duration read_at;  // monotonic
    Timestamp recorded_at;
  };

  explicit Deliveries(std::size_t outputs) : under_way_(outputs), done_(outputs, 0) {}

  // Forgets everything that is under way: a new producer begins behind `processed`.
  void Restart(Position processed) {
    absl::MutexLock lock(&mu_);
    for (auto& sent : under_way_) sent.clear();
    processed_ = processed;
    failure_ = absl::OkStatus();
  }
  void Began(std::size_t output, const Sent& sent) {
    absl::MutexLock lock(&mu_);
    under_way_[output].push_back(sent);
  }
  // All records of this position and those before it have begun.
  void Processed(Position position) {
    absl::MutexLock lock(&mu_);
    processed_ = position;
  }
  // The oldest of this output is answered; nullopt: with an error, the first of which is kept.
  std::optional<Sent> Answered(std::size_t output, const absl::Status& status) {
    absl::MutexLock lock(&mu_);
    if (!status.ok()) {
      if (failure_.ok()) failure_ = status;
      return std::nullopt;
    }
    if (under_way_[output].empty()) return std::nullopt;
    const Sent sent = under_way_[output].front();
    under_way_[output].pop_front();
    ++done_[output];
    return sent;
  }

  absl::Status failure() const {
    absl::MutexLock lock(&mu_);
    return failure_;
  }
  std::size_t under_way() const {
    absl::MutexLock lock(&mu_);
    std::size_t count = 0;
    for (const auto& sent : under_way_) count += sent.size();
    return count;
  }
  // Waits until everything of these outputs is answered (true), there is a failure, or the time is over.
  bool WaitUntilAnswered(std::span<const std::size_t> outputs, absl::Duration timeout) const {
    const auto answered = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      bool all = true;
      for (const std::size_t output : outputs) all = all && under_way_[output].empty();
      return all;
    };
    const auto over = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return answered() || !failure_.ok(); };
    absl::MutexLock lock(&mu_);
    mu_.AwaitWithTimeout(absl::Condition(&over), timeout);
    return answered();
  }
  std::uint64_t done(std::size_t output) const {
    absl::MutexLock lock(&mu_);
    return done_[output];
  }
  // Everything at or below it is on its topic.
  Position published() const {
    absl::MutexLock lock(&mu_);
    Position published = processed_;
    for (const auto& sent : under_way_) {
      if (!sent.empty() && sent.front().position <= published) published = Position(sent.front().position.value() - 1);
    }
    return published;
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<std::deque<Sent>> under_way_ ABSL_GUARDED_BY(mu_);
  std::vector<std::uint64_t> done_ ABSL_GUARDED_BY(mu_);
  Position processed_ ABSL_GUARDED_BY(mu_);
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_INTERNAL_DELIVERIES_H_
