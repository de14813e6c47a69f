#ifndef DAYBOOK_RUNTIME_INTERNAL_STATE_CACHE_H_
#define DAYBOOK_RUNTIME_INTERNAL_STATE_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "daybook/base/strings.h"
#include "daybook/core/stream_id.h"
#include "daybook/core/strong.h"
#include "daybook/runtime/internal/aggregate_ops.h"

namespace daybook::runtime::internal {

// A stream's state with everything that is staged folded in.
struct CachedState {
  StreamId stream;
  const AggregateOps* ops = nullptr;
  std::unique_ptr<StateBox> state;
  Revision revision;
  Position position;                          // of the last event
  std::uint64_t staged_in = 0;                // the chunk that changed it last
  bool broken = false;                        // user code threw in it: not to be used again
  std::size_t bytes = 0;                      // as counted against the limit
  std::uint64_t changes = 0;                  // since `bytes` was measured
  Revision snapshot_revision;                 // what a load would begin from
  absl::Duration loaded_at;                   // monotonic
  std::optional<absl::Duration> snapshot_at;  // monotonic; of the last one taken since the load
  bool snapshot_due = false;
  bool used = false;  // since the cache last looked at it
};

// The states of the streams used last, up to a limit in bytes: when it is passed, the oldest go that were not used
// since they were last looked at (second chance; a hit then writes one flag and moves nothing). What holds staged
// events stays, whatever the limit: the log does not have them yet.
//
// Thread safety: one thread; bytes() from any.
class StateCache {
 public:
  explicit StateCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Marks it as used. nullptr if it is not here. The pointer lives until Erase, Clear, or Shrink.
  CachedState* Find(const StreamId& stream);
  // Precondition: the stream is not here.
  CachedState* Insert(CachedState state);
  // Counts its size again after a change; measuring it each time would cost more than the change.
  void Changed(CachedState& state);
  void Erase(CachedState& state);
  void Clear();
  // Drops until the limit holds, or the rest is staged in a chunk after `durable_chunk`.
  void Shrink(std::uint64_t durable_chunk);

  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  using List = std::list<CachedState>;

  std::size_t Measure(const CachedState& state) const;
  void Count(CachedState& state, std::size_t bytes);

  const std::size_t bytes_max_;
  List by_age_;  // the one to look at next last
  absl::flat_hash_map<std::string_view, List::iterator, daybook::internal::StringHash, daybook::internal::StringEq>
      by_stream_;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace daybook::runtime::internal

#endif  // DAYBOOK_RUNTIME_INTERNAL_STATE_CACHE_H_
