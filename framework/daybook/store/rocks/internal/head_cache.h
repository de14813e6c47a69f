#ifndef DAYBOOK_STORE_ROCKS_INTERNAL_HEAD_CACHE_H_
#define DAYBOOK_STORE_ROCKS_INTERNAL_HEAD_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "daybook/base/strings.h"
#include "daybook/store/event_store.h"

namespace daybook::store::internal {

// The heads of the streams that were appended to lately, with what the batch under way would make of them.
//
//   cache.BeginBatch();
//   HeadCache::Entry* entry = cache.Find(stream);   // nullptr: ask the database, then Insert
//   entry->Stage(cache.batch(), head);
//   … entry->Rollback(cache.batch()) for every stream of the batch if it is refused
//
// Bounded: two generations of `entries_max` streams; what is not used for a whole generation goes.
// Thread safety: one thread at a time (the writer).
class HeadCache {
 public:
  class Entry {
   public:
    explicit Entry(const StreamHead& head) : current_(head) {}
    const StreamHead& current() const { return current_; }

    void Stage(std::uint64_t batch, const StreamHead& head) {
      if (batch_ != batch) {
        previous_ = current_;
        batch_ = batch;
      }
      current_ = head;
    }
    void Rollback(std::uint64_t batch) {
      if (batch_ == batch) current_ = previous_;
    }

   private:
    StreamHead current_;
    StreamHead previous_;
    std::uint64_t batch_ = 0;
  };

  explicit HeadCache(std::size_t entries_max) : entries_max_(entries_max) {}

  // Starts the next batch. Entries are dropped only here, so a batch finds all it has staged.
  void BeginBatch() {
    ++batch_;
    if (young_.size() < entries_max_) return;
    old_ = std::move(young_);
    young_.clear();
  }
  std::uint64_t batch() const { return batch_; }

  // The pointer is valid until the next call.
  Entry* Find(std::string_view stream) {
    const auto young = young_.find(stream);
    if (young != young_.end()) return &young->second;
    const auto old = old_.find(stream);
    if (old == old_.end()) return nullptr;
    return &young_.insert(old_.extract(old)).position->second;
  }

  Entry* Insert(std::string_view stream, const StreamHead& head) {
    return &young_.insert_or_assign(std::string(stream), Entry(head)).first->second;
  }

 private:
  const std::size_t entries_max_;
  StringMap<Entry> young_;
  StringMap<Entry> old_;
  std::uint64_t batch_ = 0;
};

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_ROCKS_INTERNAL_HEAD_CACHE_H_
