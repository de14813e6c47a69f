#include "daybook/cdc/internal/row_store.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"

namespace daybook::cdc::internal {
namespace {

constexpr char kRowFormat = 1;
constexpr std::size_t kCachedRowsMax = 50'000;
constexpr std::size_t kCachedParentsMax = 50'000;
constexpr std::size_t kCachedChildrenMax = 64;  // of one of them

constexpr std::uint64_t kExists = 1;
constexpr std::uint64_t kHeld = 2;

enum ValueTag : char { kNullTag = 0, kFalseTag = 1, kTrueTag = 2, kIntTag = 3, kDecimalTag = 4, kTextTag = 5 };

std::uint64_t ZigZag(std::int64_t n) {
  return (static_cast<std::uint64_t>(n) << 1) ^ static_cast<std::uint64_t>(n >> 63);
}
std::int64_t UnZigZag(std::uint64_t n) { return static_cast<std::int64_t>(n >> 1) ^ -static_cast<std::int64_t>(n & 1); }

void AppendBigEndian16(std::string& out, int number) {
  out.push_back(static_cast<char>((number >> 8) & 0xff));
  out.push_back(static_cast<char>(number & 0xff));
}

void EncodeValue(const Value& value, std::string& out) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    out.push_back(*flag ? kTrueTag : kFalseTag);
  } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out.push_back(kIntTag);
    AppendVarint(out, ZigZag(*number));
  } else if (const auto* decimal = std::get_if<Decimal>(&value)) {
    out.push_back(kDecimalTag);
    AppendLengthPrefixed(out, decimal->text);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    out.push_back(kTextTag);
    AppendLengthPrefixed(out, *text);
  } else {
    out.push_back(kNullTag);
  }
}

bool DecodeValue(std::string_view& in, Value& value) {
  if (in.empty()) return false;
  const char tag = in.front();
  in.remove_prefix(1);
  std::string_view text;
  std::uint64_t number = 0;
  switch (tag) {
    case kNullTag:
      value = std::monostate();
      return true;
    case kFalseTag:
      value = false;
      return true;
    case kTrueTag:
      value = true;
      return true;
    case kIntTag:
      if (!ConsumeVarint(in, number)) return false;
      value = UnZigZag(number);
      return true;
    case kDecimalTag:
      if (!ConsumeLengthPrefixed(in, text)) return false;
      value = Decimal{std::string(text)};
      return true;
    case kTextTag:
      if (!ConsumeLengthPrefixed(in, text)) return false;
      value = std::string(text);
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string RowId(int table, std::string_view key) {
  std::string id;
  id.reserve(2 + key.size());
  AppendBigEndian16(id, table);
  id.append(key);
  return id;
}

int TableOfRowId(std::string_view id) {
  return static_cast<unsigned char>(id[0]) * 256 + static_cast<unsigned char>(id[1]);
}

std::string_view KeyOfRowId(std::string_view id) { return id.substr(2); }

void EncodeRow(const StoredRow& row, std::string& out) {
  out.push_back(kRowFormat);
  AppendVarint(out, (row.exists ? kExists : 0) | (row.held ? kHeld : 0));
  AppendVarint(out, row.lsn);
  AppendVarint(out, row.transaction);
  AppendVarint(out, row.moved_lsn);
  AppendVarint(out, row.snapshot_lsn);
  AppendLengthPrefixed(out, row.moved_to);
  AppendLengthPrefixed(out, row.coming_from);
  AppendVarint(out, row.unknown.size());
  for (const int column : row.unknown) AppendVarint(out, static_cast<std::uint64_t>(column));
  AppendVarint(out, row.values.size());
  for (const Value& value : row.values) EncodeValue(value, out);
}

bool DecodeRow(std::string_view in, StoredRow& row) {
  if (in.empty() || in.front() != kRowFormat) return false;
  in.remove_prefix(1);
  std::uint64_t flags = 0;
  std::uint64_t count = 0;
  std::string_view moved_to;
  std::string_view coming_from;
  if (!ConsumeVarint(in, flags) || !ConsumeVarint(in, row.lsn) || !ConsumeVarint(in, row.transaction) ||
      !ConsumeVarint(in, row.moved_lsn) || !ConsumeVarint(in, row.snapshot_lsn) ||
      !ConsumeLengthPrefixed(in, moved_to) || !ConsumeLengthPrefixed(in, coming_from) || !ConsumeVarint(in, count)) {
    return false;
  }
  row.exists = (flags & kExists) != 0;
  row.held = (flags & kHeld) != 0;
  row.moved_to = std::string(moved_to);
  row.coming_from = std::string(coming_from);
  row.unknown.clear();
  for (; count > 0; --count) {
    std::uint64_t column = 0;
    if (!ConsumeVarint(in, column)) return false;
    row.unknown.push_back(static_cast<int>(column));
  }
  if (!ConsumeVarint(in, count) || count > in.size()) return false;
  row.values.resize(count);
  for (Value& value : row.values) {
    if (!DecodeValue(in, value)) return false;
  }
  return in.empty();
}

absl::StatusOr<RowStore::Entry*> RowStore::Load(int table, std::string_view key) {
  std::string id = RowId(table, key);
  if (const auto found = cache_.find(std::string_view(id)); found != cache_.end()) return found->second.get();
  auto entry = std::make_unique<Entry>();
  scratch_.clear();
  DAYBOOK_ASSIGN_OR_RETURN(entry->known, kv_->AppendTo(rows_, id, scratch_));
  const std::size_t columns = catalog_->tables()[static_cast<std::size_t>(table)].columns.size();
  if (entry->known &&
      (!DecodeRow(scratch_, entry->row) || (!entry->row.values.empty() && entry->row.values.size() != columns))) {
    return absl::DataLossError(absl::StrCat("stored row ", KeyText(key), " of ",
                                            catalog_->tables()[static_cast<std::size_t>(table)].name,
                                            " cannot be read: start with an empty gateway directory"));
  }
  entry->id = id;
  Entry* raw = entry.get();
  cache_.emplace(std::move(id), std::move(entry));
  return raw;
}

absl::StatusOr<const StoredRow*> RowStore::Find(int table, std::string_view key) {
  DAYBOOK_ASSIGN_OR_RETURN(const Entry* entry, Load(table, key));
  return entry->known ? &entry->row : nullptr;
}

void RowStore::IndexKeys(int table, std::string_view key, const StoredRow& row, std::vector<std::string>& out) const {
  out.clear();
  if (!row.Visible()) return;
  for (const int index : catalog_->foreign_keys_of(table)) {
    const Catalog::ForeignKey& foreign_key = catalog_->foreign_keys()[static_cast<std::size_t>(index)];
    const Value& value = row.values[static_cast<std::size_t>(foreign_key.column)];
    std::string entry;
    AppendBigEndian16(entry, index);
    if (!IsNull(value)) {
      AppendKeyPart(value, entry);
      entry.append(key);
    } else {
      entry.clear();  // keeps the places of the two lists that Put compares
    }
    out.push_back(std::move(entry));
  }
}

absl::Status RowStore::Put(int table, std::string_view key, StoredRow row) {
  DAYBOOK_ASSIGN_OR_RETURN(Entry * entry, Load(table, key));
  std::vector<std::string> before;
  std::vector<std::string> after;
  IndexKeys(table, key, entry->row, before);
  IndexKeys(table, key, row, after);
  if (before != after) {
    for (std::string& index_key : before) ChangeIndex(std::move(index_key), key.size(), IndexChange::kRemoved);
    for (std::string& index_key : after) ChangeIndex(std::move(index_key), key.size(), IndexChange::kAdded);
  }
  if (!entry->changed) {
    entry->changed = true;
    changed_.push_back(entry);
  }
  entry->known = true;
  entry->row = std::move(row);
  return absl::OkStatus();
}

void RowStore::ChangeIndex(std::string index_key, std::size_t key_size, IndexChange change) {
  if (index_key.empty()) return;
  const std::string_view all(index_key);
  const std::string_view key = all.substr(all.size() - key_size);
  if (const auto found = children_.find(all.substr(0, all.size() - key_size)); found != children_.end()) {
    std::vector<std::string>& keys = found->second;
    const auto at = std::lower_bound(keys.begin(), keys.end(), key);
    const bool there = at != keys.end() && *at == key;
    if (change == IndexChange::kRemoved) {
      if (there) keys.erase(at);
    } else if (!there) {
      keys.insert(at, std::string(key));
      if (keys.size() > kCachedChildrenMax) children_.erase(found);
    }
  }
  index_changes_[std::move(index_key)] = change == IndexChange::kAdded;
}

absl::Status RowStore::FindByForeignKey(int foreign_key, std::string_view target, std::string_view after,
                                        std::size_t limit, std::vector<std::string>& keys) {
  keys.clear();
  std::string prefix;
  AppendBigEndian16(prefix, foreign_key);
  prefix.append(target);
  if (const auto found = children_.find(std::string_view(prefix)); found != children_.end() && after.empty()) {
    const std::size_t count = std::min(limit, found->second.size());
    keys.assign(found->second.begin(), found->second.begin() + static_cast<std::ptrdiff_t>(count));
    return absl::OkStatus();
  }
  std::string begin = prefix;
  if (!after.empty()) begin.append(after).push_back('\0');
  const std::string end = store::PrefixEnd(prefix);
  const std::unique_ptr<store::KeyValueCursor> cursor = kv_->Scan(index_, begin, end);
  while (keys.size() < limit) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) break;
    const std::string_view key = cursor->key();
    const auto change = index_changes_.find(std::string(key));
    if (change != index_changes_.end() && !change->second) continue;
    keys.emplace_back(key.substr(prefix.size()));
  }
  const std::size_t stored = keys.size();
  std::size_t added = 0;
  for (auto it = index_changes_.lower_bound(begin); it != index_changes_.end() && added < limit; ++it) {
    if (!end.empty() && it->first >= end) break;
    if (!it->second) continue;
    keys.push_back(it->first.substr(prefix.size()));
    ++added;
  }
  if (added > 0) {
    std::inplace_merge(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(stored), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    if (keys.size() > limit) keys.resize(limit);
  }
  if (limit == SIZE_MAX && after.empty() && keys.size() <= kCachedChildrenMax) children_.emplace(prefix, keys);
  return absl::OkStatus();
}

void RowStore::AppendTo(store::WriteBatch& batch) {
  for (const Entry* entry : changed_) {
    scratch_.clear();
    EncodeRow(entry->row, scratch_);
    batch.Put(rows_, entry->id, scratch_);
  }
  for (const auto& [key, added] : index_changes_) {
    if (added) {
      batch.Put(index_, key, "");
    } else {
      batch.Delete(index_, key);
    }
  }
}

void RowStore::Committed() {
  for (Entry* entry : changed_) entry->changed = false;
  changed_.clear();
  index_changes_.clear();
  if (cache_.size() > kCachedRowsMax) cache_.clear();
  if (children_.size() > kCachedParentsMax) children_.clear();
}

}  // namespace daybook::cdc::internal
