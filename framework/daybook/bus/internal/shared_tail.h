#ifndef DAYBOOK_BUS_INTERNAL_SHARED_TAIL_H_
#define DAYBOOK_BUS_INTERNAL_SHARED_TAIL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/clock.h"
#include "daybook/bus/consumer.h"
#include "daybook/bus/record.h"
#include "daybook/core/timestamp.h"

namespace daybook::bus::internal {

// By topic: the first offset that was not read. Of one partition, the same of every topic.
using NextOffsets = std::map<std::string, Offset, std::less<>>;

// The end of some topics, read once for all feeds that are there: one consumer, and what it read last. A feed that
// finds nothing new reads on for all; the others wait for what it finds.
//
// Thread safety: every method from any thread.
// Invariant: what is kept has no gap; the oldest goes when there is more than `bytes_max`.
class SharedTail {
 public:
  struct Block {
    std::shared_ptr<const RecordBatch> records;
    Timestamp received;
  };

  // Goes on with a consumer that gave everything before `next`, and nothing else.
  SharedTail(std::unique_ptr<Consumer> consumer, NextOffsets next, std::size_t bytes_max, const Clock& clock)
      : consumer_(std::move(consumer)), bytes_max_(bytes_max), clock_(clock), begin_(std::move(next)) {}

  // The block that a feed begins with that has read up to `next`, which then lies in it or a later one; it may have
  // read some of them. nullopt: what it needs is no longer kept, or nothing more will come (an error).
  std::optional<std::uint64_t> Join(const NextOffsets& next) const;

  // The block of this number; nullopt: it did not come within the time of `poll`. kOutOfRange: it is no longer kept.
  // Otherwise as Consumer::Poll, at every call.
  absl::StatusOr<std::optional<Block>> Read(std::uint64_t number, const PollOptions& poll);

  absl::Status health() const { return consumer_->health(); }

 private:
  std::uint64_t end() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return first_ + blocks_.size(); }
  void Keep(RecordBatch records) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::unique_ptr<Consumer> consumer_;  // driven by whoever has set reading_
  const std::size_t bytes_max_;
  const Clock& clock_;

  mutable absl::Mutex mu_;
  bool reading_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status failed_ ABSL_GUARDED_BY(mu_);
  NextOffsets begin_ ABSL_GUARDED_BY(mu_);        // of what is kept
  std::uint64_t first_ ABSL_GUARDED_BY(mu_) = 0;  // the number of the first block that is kept
  std::deque<Block> blocks_ ABSL_GUARDED_BY(mu_);
  std::size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_INTERNAL_SHARED_TAIL_H_
