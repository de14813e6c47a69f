#ifndef DAYBOOK_CDC_INTERNAL_RECENT_KEYS_H_
#define DAYBOOK_CDC_INTERNAL_RECENT_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/status/status.h"
#include "daybook/base/strings.h"
#include "daybook/store/key_value.h"

namespace daybook::cdc::internal {

// A set of keys that is bounded, in memory and in a table: of more than `max` the first to be added are given up.
//
//   RecentKeys seen('b', 10'000);
//   DAYBOOK_RETURN_IF_ERROR(seen.Load(*kv, table));
//   if (seen.Add(hash)) …                  // was not there
//   seen.AppendTo(table, batch);           // what changed, given up keys too
//
// Thread safety: one thread.
class RecentKeys {
 public:
  // `kind`: the first byte of its keys in the table.
  RecentKeys(char kind, std::size_t max) : kind_(kind), max_(max) {}

  // Reads what the table holds; of more than `max` the newest. kDataLoss: it is damaged.
  absl::Status Load(const store::KeyValueReader& reader, store::TableId table);

  // False: it is there, and keeps its place.
  bool Add(std::string_view key);
  // False: it is not there.
  bool Remove(std::string_view key);
  std::size_t size() const { return numbers_.size(); }

  void AppendTo(store::TableId table, store::WriteBatch& batch);

 private:
  void GiveUpOldest();

  const char kind_;
  const std::size_t max_;
  std::uint64_t next_ = 1;  // number of the next key
  StringMap<std::uint64_t> numbers_;
  absl::btree_set<std::pair<std::uint64_t, std::string>> order_;
  StringSet changed_;
};

}  // namespace daybook::cdc::internal

#endif  // DAYBOOK_CDC_INTERNAL_RECENT_KEYS_H_
