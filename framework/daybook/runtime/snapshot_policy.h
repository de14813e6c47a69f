#ifndef DAYBOOK_RUNTIME_SNAPSHOT_POLICY_H_
#define DAYBOOK_RUNTIME_SNAPSHOT_POLICY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "daybook/core/strong.h"

namespace daybook::runtime {

// What a policy may look at after a command has changed a stream.
struct SnapshotFacts {
  std::string_view stream;
  Revision revision;               // of the state that could be taken
  std::uint64_t events_since = 0;  // that a load would have to replay now
  absl::Duration age;              // since the last snapshot, or since the state was loaded
};

// When a stream's state is worth keeping. A snapshot only saves replaying: losing one, or having none, changes nothing.
//
//   SnapshotPolicy::EveryEvents(100)
//   SnapshotPolicy::EveryEvents(100).Or(SnapshotPolicy::OlderThan(absl::Hours(1))).NotMoreOftenThan(absl::Seconds(5))
//
// Thread safety: a value type; a predicate is called on one thread at a time, quickly, and does not block.
// Invariant: a stream that has not changed since its last snapshot is never due.
class SnapshotPolicy {
 public:
  using Predicate = std::function<bool(const SnapshotFacts&)>;

  static SnapshotPolicy Never() { return SnapshotPolicy(); }
  // A load never replays many more than `events` (but see NotMoreOftenThan).
  static SnapshotPolicy EveryEvents(std::uint64_t events) {
    SnapshotPolicy policy;
    policy.events_ = events;
    return policy;
  }
  static SnapshotPolicy OlderThan(absl::Duration age) {
    SnapshotPolicy policy;
    policy.age_ = age;
    return policy;
  }
  static SnapshotPolicy When(Predicate predicate) {
    SnapshotPolicy policy;
    policy.predicate_ = std::move(predicate);
    return policy;
  }

  // Due if either is.
  SnapshotPolicy Or(SnapshotPolicy other) const {
    SnapshotPolicy policy = *this;
    policy.predicate_ = [a = *this, b = std::move(other)](const SnapshotFacts& facts) {
      return a.WantsIt(facts) || b.WantsIt(facts);
    };
    return policy;
  }

  // Streams written in a burst are taken once per `interval` at most; one second unless told.
  SnapshotPolicy NotMoreOftenThan(absl::Duration interval) const {
    SnapshotPolicy policy = *this;
    policy.interval_min_ = interval;
    return policy;
  }

  // `since_last`: since the stream's last snapshot was taken; nullopt if none was since it was loaded.
  bool Due(const SnapshotFacts& facts, std::optional<absl::Duration> since_last) const {
    if (facts.events_since == 0) return false;
    if (since_last.has_value() && *since_last < interval_min_) return false;
    return WantsIt(facts);
  }

 private:
  SnapshotPolicy() = default;

  bool WantsIt(const SnapshotFacts& facts) const {
    if (events_ != 0 && facts.events_since >= events_) return true;
    if (facts.age >= age_) return true;
    return predicate_ && predicate_(facts);
  }

  std::uint64_t events_ = 0;  // 0 = not by events
  absl::Duration age_ = absl::InfiniteDuration();
  Predicate predicate_;
  absl::Duration interval_min_ = absl::Seconds(1);
};

}  // namespace daybook::runtime

#endif  // DAYBOOK_RUNTIME_SNAPSHOT_POLICY_H_
