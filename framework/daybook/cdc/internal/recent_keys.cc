#include "daybook/cdc/internal/recent_keys.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"

namespace daybook::cdc::internal {

absl::Status RecentKeys::Load(const store::KeyValueReader& reader, store::TableId table) {
  const std::string prefix(1, kind_);
  const std::unique_ptr<store::KeyValueCursor> cursor = reader.Scan(table, prefix, store::PrefixEnd(prefix));
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) return absl::OkStatus();
    std::string_view value = cursor->value();
    std::uint64_t number = 0;  // of earlier versions, which wrote none: the oldest
    if (!value.empty() && !ConsumeVarint(value, number)) {
      return absl::DataLossError(absl::StrCat("the gateway's stored entry ", prefix, " cannot be read"));
    }
    std::string key(cursor->key().substr(1));
    order_.emplace(number, key);
    numbers_.emplace(std::move(key), number);
    next_ = std::max(next_, number + 1);
    if (numbers_.size() > max_) GiveUpOldest();
  }
}

bool RecentKeys::Add(std::string_view key) {
  if (!numbers_.emplace(std::string(key), next_).second) return false;
  order_.emplace(next_++, std::string(key));
  changed_.emplace(key);
  if (numbers_.size() > max_) GiveUpOldest();
  return true;
}

bool RecentKeys::Remove(std::string_view key) {
  const auto found = numbers_.find(key);
  if (found == numbers_.end()) return false;
  order_.erase(std::pair(found->second, found->first));
  numbers_.erase(found);
  changed_.emplace(key);
  return true;
}

void RecentKeys::GiveUpOldest() {
  const std::string key = order_.begin()->second;
  Remove(key);
}

void RecentKeys::AppendTo(store::TableId table, store::WriteBatch& batch) {
  std::string value;
  for (const std::string& key : changed_) {
    const std::string entry = absl::StrCat(std::string(1, kind_), key);
    const auto found = numbers_.find(std::string_view(key));
    if (found == numbers_.end()) {
      batch.Delete(table, entry);
      continue;
    }
    value.clear();
    AppendVarint(value, found->second);
    batch.Put(table, entry, value);
  }
  changed_.clear();
}

}  // namespace daybook::cdc::internal
