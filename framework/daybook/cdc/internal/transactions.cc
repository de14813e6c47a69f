#include "daybook/cdc/internal/transactions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/cdc/internal/row_store.h"

namespace daybook::cdc::internal {
namespace {

constexpr char kHeaderEntry = 't';
constexpr char kEventEntry = 'x';
constexpr char kRowEntry = 'y';
constexpr char kSaidEntry = 'c';
// What END calls the logical messages of a transaction.
constexpr std::string_view kMessagesCollection = "LOGICAL_DECODING_MESSAGE";
// Late duplicates of a completed transaction do not open it again; duplicates are recent, so a few thousand do.
constexpr std::size_t kCompletedMax = 8192;

std::string EntryKey(char kind, std::uint64_t id) {
  std::string key(1, kind);
  AppendBigEndian64(key, id);
  return key;
}

}  // namespace

Transactions::OpenOne& Transactions::Get(std::uint64_t id, absl::Duration now) {
  const auto [it, inserted] = open_.try_emplace(id);
  OpenOne& one = it->second;
  if (inserted) {
    one.first_seen = now;
    opened_.emplace_back(now, id);
    one.header_changed = true;
    one.arrived.resize(messages_place() + 1);
  }
  changed_.insert(id);
  return one;
}

void Transactions::NoteRow(std::uint64_t id, OpenOne& one, std::string_view row) {
  std::vector<std::uint64_t>& ids = rows_[std::string(row)];
  if (std::find(ids.begin(), ids.end(), id) != ids.end()) return;
  ids.push_back(id);
  one.rows.emplace_back(row);
}

void Transactions::Arrived(const TransactionMark& mark, int table, std::string_view row, absl::Duration now) {
  OpenOne& one = Get(mark.transaction, now);
  if (one.events.emplace(table, mark.collection_order).second) {
    ++one.arrived[static_cast<std::size_t>(table)];
    std::string key = EntryKey(kEventEntry, mark.transaction);
    key.append(RowId(table, ""));
    AppendBigEndian64(key, static_cast<std::uint64_t>(mark.collection_order));
    one.unstored.emplace_back(std::move(key), "");
  }
  if (!row.empty()) AddRow(mark.transaction, row);
  CheckComplete(mark.transaction, one);
}

void Transactions::Said(const TransactionMark& mark, SaidChange said, absl::Duration now) {
  OpenOne& one = Get(mark.transaction, now);
  const bool first = one.said.text.empty() || mark.collection_order < one.said_order;
  if (!said.text.empty() && first) {
    one.said = std::move(said);
    one.said_order = mark.collection_order;
    std::string value;
    AppendVarint(value, static_cast<std::uint64_t>(one.said_order));
    AppendVarint(value, static_cast<std::uint64_t>(one.said.time_us));
    value.append(one.said.text);
    one.unstored.emplace_back(EntryKey(kSaidEntry, mark.transaction), std::move(value));
  }
  Arrived(mark, static_cast<int>(messages_place()), "", now);
}

void Transactions::AddRow(std::uint64_t id, std::string_view row) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  const std::size_t before = found->second.rows.size();
  NoteRow(id, found->second, row);
  if (found->second.rows.size() == before) return;
  std::string key = EntryKey(kRowEntry, id);
  key.append(row);
  found->second.unstored.emplace_back(std::move(key), "");
  changed_.insert(id);
}

void Transactions::Ended(std::uint64_t id, const std::vector<std::pair<std::string, std::int64_t>>& counts,
                         absl::Duration now) {
  OpenOne& one = Get(id, now);
  one.ended = true;
  one.header_changed = true;
  one.expected.assign(messages_place() + 1, 0);
  for (const auto& [collection, count] : counts) {
    const int table = catalog_->FindTable(collection);
    if (table >= 0) one.expected[static_cast<std::size_t>(table)] += count;
    if (messages_ == Messages::kCounted && collection == kMessagesCollection) one.expected[messages_place()] += count;
  }
  CheckComplete(id, one);
}

void Transactions::CheckComplete(std::uint64_t id, const OpenOne& one) {
  if (!one.ended) return;
  for (std::size_t t = 0; t < one.expected.size(); ++t) {
    if (one.arrived[t] < one.expected[t]) return;
  }
  complete_.push_back(id);
}

void Transactions::AddWaiter(std::uint64_t id, std::string_view aggregate) {
  const auto found = open_.find(id);
  if (found != open_.end()) found->second.waiters.emplace(aggregate);
}

const std::vector<std::uint64_t>* Transactions::OfRow(std::string_view row) const {
  if (rows_.empty()) return nullptr;
  const auto found = rows_.find(row);
  return found == rows_.end() ? nullptr : &found->second;
}

std::vector<std::uint64_t> Transactions::Open() const {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, one] : open_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<std::uint64_t> Transactions::Overdue(absl::Duration now, absl::Duration timeout) {
  std::vector<std::uint64_t> ids;
  for (; !opened_.empty(); opened_.pop_front()) {
    const auto [seen, id] = opened_.front();
    const auto found = open_.find(id);
    if (found == open_.end() || found->second.first_seen != seen) continue;  // closed since
    if (now - seen < timeout) break;
    ids.push_back(id);
  }
  return ids;
}

std::vector<std::uint64_t> Transactions::TakeComplete() { return std::exchange(complete_, {}); }

Transactions::Closed Transactions::Close(std::uint64_t id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return {};
  OpenOne& one = found->second;
  Closed closed;
  closed.waiters.assign(one.waiters.begin(), one.waiters.end());
  std::sort(closed.waiters.begin(), closed.waiters.end());
  for (const std::string& row : one.rows) {
    const auto ids = rows_.find(row);
    if (ids == rows_.end()) continue;
    std::erase(ids->second, id);
    if (ids->second.empty()) rows_.erase(ids);
  }
  closed.rows = std::move(one.rows);
  closed.said = std::move(one.said);
  if (one.stored) stored_and_closed_.push_back(id);
  changed_.erase(id);
  open_.erase(found);
  if (completed_set_.insert(id).second) completed_order_.push_back(id);
  if (completed_order_.size() > kCompletedMax) {
    completed_set_.erase(completed_order_.front());
    completed_order_.pop_front();
  }
  return closed;
}

void Transactions::AppendTo(store::WriteBatch& batch) {
  for (const std::uint64_t id : stored_and_closed_) {
    batch.Delete(state_, EntryKey(kHeaderEntry, id));
    for (const char kind : {kEventEntry, kRowEntry, kSaidEntry}) {
      const std::string prefix = EntryKey(kind, id);
      batch.DeleteRange(state_, prefix, store::PrefixEnd(prefix));
    }
  }
  stored_and_closed_.clear();
  for (const std::uint64_t id : changed_) {
    OpenOne& one = open_.at(id);
    if (one.header_changed) {
      std::string value(1, one.ended ? '\1' : '\0');
      for (const std::int64_t count : one.expected) AppendVarint(value, static_cast<std::uint64_t>(count));
      batch.Put(state_, EntryKey(kHeaderEntry, id), value);
      one.header_changed = false;
    }
    for (const auto& [key, value] : one.unstored) batch.Put(state_, key, value);
    one.unstored.clear();
    one.stored = true;
  }
  changed_.clear();
}

absl::Status Transactions::Load(const store::KeyValueReader& reader, absl::Duration now) {
  const absl::Status damaged = absl::DataLossError("a stored transaction of the gateway cannot be read");
  for (const char kind : {kHeaderEntry, kEventEntry, kRowEntry, kSaidEntry}) {
    const std::string prefix(1, kind);
    const auto cursor = reader.Scan(state_, prefix, store::PrefixEnd(prefix));
    while (true) {
      DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
      if (!more) break;
      std::string_view key = cursor->key().substr(1);
      if (key.size() < 8) return damaged;
      const std::uint64_t id = ReadBigEndian64(key.data());
      key.remove_prefix(8);
      OpenOne& one = Get(id, now);
      one.stored = true;
      one.header_changed = false;
      if (kind == kHeaderEntry) {
        std::string_view value = cursor->value();
        one.ended = !value.empty() && value.front() != 0;
        if (!one.ended) continue;
        value.remove_prefix(1);
        for (std::size_t t = 0; t <= messages_place(); ++t) {
          std::uint64_t count = 0;
          const bool earlier = t == messages_place() && value.empty();  // a version that did not count messages
          if (!earlier && !ConsumeVarint(value, count)) return damaged;
          one.expected.push_back(static_cast<std::int64_t>(count));
        }
      } else if (kind == kEventEntry) {
        if (key.size() != 10 || TableOfRowId(key) >= static_cast<int>(one.arrived.size())) return damaged;
        const int table = TableOfRowId(key);
        one.events.emplace(table, static_cast<std::int64_t>(ReadBigEndian64(key.data() + 2)));
        ++one.arrived[static_cast<std::size_t>(table)];
      } else if (kind == kRowEntry) {
        NoteRow(id, one, key);
      } else {
        std::string_view value = cursor->value();
        std::uint64_t order = 0;
        std::uint64_t time = 0;
        if (!ConsumeVarint(value, order) || !ConsumeVarint(value, time)) return damaged;
        one.said = {std::string(value), static_cast<std::int64_t>(time)};
        one.said_order = static_cast<std::int64_t>(order);
      }
    }
  }
  changed_.clear();
  return absl::OkStatus();
}

}  // namespace daybook::cdc::internal
