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
  it->second->used = true;
  return &*it->second;
}

CachedState* StateCache::Insert(CachedState state) {
  by_age_.push_front(std::move(state));
  CachedState& inserted = by_age_.front();
  const bool is_new = by_stream_.emplace(std::string_view(inserted.stream.text()), by_age_.begin()).second;
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
  by_age_.erase(place);
}

void StateCache::Clear() {
  by_stream_.clear();
  by_age_.clear();
  bytes_.store(0, std::memory_order_relaxed);
}

void StateCache::Shrink(std::uint64_t durable_chunk) {
  // Twice round at most: the first time clears the flags.
  for (std::size_t looks = 2 * by_age_.size(); bytes() > bytes_max_ && looks > 0; --looks) {
    CachedState& oldest = by_age_.back();
    if (!oldest.used && oldest.staged_in <= durable_chunk) {
      Erase(oldest);
      continue;
    }
    oldest.used = false;
    by_age_.splice(by_age_.begin(), by_age_, std::prev(by_age_.end()));
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
