#include "daybook/runtime/internal/state_cache.h"

#include <iterator>
#include <utility>

#include "daybook/base/check.h"

namespace daybook::runtime::internal {
namespace {

constexpr std::size_t kEntryBytes = sizeof(CachedState) + 96;  // list node, map slot, allocator
constexpr std::uint64_t kChangesPerMeasurement = 16;

}  // namespace

CachedState* StateCache::Find(const StreamId& stream) {
  const auto it = by_stream_.find(std::string_view(stream.text()));
  if (it == by_stream_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, it->second);
  return &*it->second;
}

CachedState* StateCache::Insert(CachedState state) {
  by_use_.push_front(std::move(state));
  CachedState& inserted = by_use_.front();
  const bool is_new = by_stream_.emplace(std::string_view(inserted.stream.text()), by_use_.begin()).second;
  DAYBOOK_CHECK(is_new, "a stream is cached once");
  inserted.bytes = 0;
  Count(inserted, Measure(inserted));
  return &inserted;
}

void StateCache::Changed(CachedState& state) {
  if (++state.changes < kChangesPerMeasurement) return;
  state.changes = 0;
  Count(state, Measure(state));
}

void StateCache::Erase(CachedState& state) {
  Count(state, 0);
  const auto it = by_stream_.find(std::string_view(state.stream.text()));
  const List::iterator place = it->second;
  by_stream_.erase(it);
  by_use_.erase(place);
}

void StateCache::Clear() {
  by_stream_.clear();
  by_use_.clear();
  bytes_.store(0, std::memory_order_relaxed);
}

void StateCache::Shrink(std::uint64_t durable_chunk) {
  auto next = by_use_.end();
  while (bytes() > bytes_max_ && next != by_use_.begin()) {
    const auto candidate = std::prev(next);
    if (candidate->staged_in > durable_chunk) {
      next = candidate;
    } else {
      Erase(*candidate);
    }
  }
}

std::size_t StateCache::Measure(const CachedState& state) const {
  return kEntryBytes + 2 * state.stream.text().size() + state.ops->StateBytes(*state.state);
}

void StateCache::Count(CachedState& state, std::size_t bytes) {
  bytes_.store(this->bytes() - state.bytes + bytes, std::memory_order_relaxed);
  state.bytes = bytes;
}

}  // namespace daybook::runtime::internal
