#include "daybook/store/memory/memory_key_value.h"

#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/store/internal/batch_checks.h"

namespace daybook::store {
namespace {

using Sequence = std::uint64_t;  // counts the batches

// What a key held, from a sequence on; nullopt = deleted.
using Versions = std::vector<std::pair<Sequence, std::optional<std::string>>>;
using Table = std::map<std::string, Versions, std::less<>>;

const std::optional<std::string>* VersionAt(const Versions& versions, Sequence sequence) {
  for (auto it = versions.rbegin(); it != versions.rend(); ++it) {
    if (it->first <= sequence) return &it->second;
  }
  return nullptr;
}

class MemoryKeyValue : public KeyValue {
 public:
  enum class Start { kAtKey, kAfterKey };

  absl::StatusOr<std::optional<std::string>> Get(TableId table, std::string_view key) const override {
    return GetAt(table, key, std::nullopt);
  }
  absl::StatusOr<bool> AppendTo(TableId table, std::string_view key, std::string& out) const override {
    DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> value, Get(table, key));
    if (value) out.append(*value);
    return value.has_value();
  }
  std::unique_ptr<KeyValueCursor> Scan(TableId table, std::string_view begin, std::string_view end) const override;

  absl::StatusOr<TableId> OpenTable(std::string_view name) override;
  absl::Status DropTable(std::string_view name) override;
  std::vector<std::string> TableNames() const override;
  absl::Status Write(const WriteBatch& batch, Durability durability) override;
  std::unique_ptr<KeyValueReader> Snapshot() const override;
  std::uint64_t ChangeNumber() const override {
    absl::ReaderMutexLock lock(&mu_);
    return sequence_;
  }

  // Keeps what is there now readable until it is released.
  Sequence Pin() const {
    absl::MutexLock lock(&mu_);
    return *pinned_.insert(sequence_);
  }
  void Unpin(Sequence sequence) const {
    absl::MutexLock lock(&mu_);
    pinned_.erase(pinned_.find(sequence));
  }

  // nullopt as sequence = the present one.
  absl::StatusOr<std::optional<std::string>> GetAt(TableId table, std::string_view key,
                                                   std::optional<Sequence> sequence) const;
  // Moves `key` to the next key that holds something at `sequence` and is below `end`.
  absl::StatusOr<bool> Advance(TableId table, Start start, std::string_view end, Sequence sequence, std::string& key,
                               std::string& value) const;

 private:
  absl::StatusOr<const Table*> Find(TableId table) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::Status CheckChanges(const WriteBatch& batch) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void Set(Versions& versions, std::optional<std::string> value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Apply(const WriteBatch::Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  Sequence sequence_ ABSL_GUARDED_BY(mu_) = 0;
  std::uint32_t last_table_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, std::uint32_t, std::less<>> names_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::uint32_t, Table> tables_ ABSL_GUARDED_BY(mu_);
  mutable std::multiset<Sequence> pinned_ ABSL_GUARDED_BY(mu_);
};

// Holds a sequence pinned for as long as it lives.
class Pinned {
 public:
  explicit Pinned(const MemoryKeyValue& kv) : kv_(kv), sequence_(kv.Pin()) {}
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  ~Pinned() { kv_.Unpin(sequence_); }
  const MemoryKeyValue& kv() const { return kv_; }
  Sequence sequence() const { return sequence_; }

 private:
  const MemoryKeyValue& kv_;
  const Sequence sequence_;
};

class MemoryKeyValueCursor : public KeyValueCursor {
 public:
  MemoryKeyValueCursor(std::shared_ptr<const Pinned> pinned, TableId table, std::string_view begin,
                       std::string_view end)
      : pinned_(std::move(pinned)), table_(table), end_(end), key_(begin) {}

  absl::StatusOr<bool> Next() override {
    if (ended_) return false;
    DAYBOOK_ASSIGN_OR_RETURN(const bool more,
                             pinned_->kv().Advance(table_, start_, end_, pinned_->sequence(), key_, value_));
    start_ = MemoryKeyValue::Start::kAfterKey;
    ended_ = !more;
    return more;
  }
  std::string_view key() const override { return key_; }
  std::string_view value() const override { return value_; }

 private:
  const std::shared_ptr<const Pinned> pinned_;
  const TableId table_;
  const std::string end_;
  MemoryKeyValue::Start start_ = MemoryKeyValue::Start::kAtKey;
  std::string key_;
  std::string value_;
  bool ended_ = false;
};

class MemorySnapshot : public KeyValueReader {
 public:
  explicit MemorySnapshot(const MemoryKeyValue& kv) : pinned_(std::make_shared<Pinned>(kv)) {}

  absl::StatusOr<std::optional<std::string>> Get(TableId table, std::string_view key) const override {
    return pinned_->kv().GetAt(table, key, pinned_->sequence());
  }
  absl::StatusOr<bool> AppendTo(TableId table, std::string_view key, std::string& out) const override {
    DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> value, Get(table, key));
    if (value) out.append(*value);
    return value.has_value();
  }
  std::unique_ptr<KeyValueCursor> Scan(TableId table, std::string_view begin, std::string_view end) const override {
    return std::make_unique<MemoryKeyValueCursor>(pinned_, table, begin, end);
  }

 private:
  const std::shared_ptr<const Pinned> pinned_;
};

absl::StatusOr<const Table*> MemoryKeyValue::Find(TableId table) const {
  const auto found = tables_.find(table.value());
  if (found == tables_.end()) {
    return absl::NotFoundError(absl::StrCat("table ", table.value(), " was dropped or never opened"));
  }
  return &found->second;
}

absl::StatusOr<std::optional<std::string>> MemoryKeyValue::GetAt(TableId table, std::string_view key,
                                                                 std::optional<Sequence> sequence) const {
  absl::ReaderMutexLock lock(&mu_);
  DAYBOOK_ASSIGN_OR_RETURN(const Table* rows, Find(table));
  const auto found = rows->find(key);
  if (found == rows->end()) return std::optional<std::string>();
  const std::optional<std::string>* version = VersionAt(found->second, sequence.value_or(sequence_));
  return version == nullptr ? std::optional<std::string>() : *version;
}

absl::StatusOr<bool> MemoryKeyValue::Advance(TableId table, Start start, std::string_view end, Sequence sequence,
                                             std::string& key, std::string& value) const {
  absl::ReaderMutexLock lock(&mu_);
  DAYBOOK_ASSIGN_OR_RETURN(const Table* rows, Find(table));
  auto it = start == Start::kAtKey ? rows->lower_bound(key) : rows->upper_bound(key);
  for (; it != rows->end() && (end.empty() || it->first < end); ++it) {
    const std::optional<std::string>* version = VersionAt(it->second, sequence);
    if (version == nullptr || !version->has_value()) continue;
    key = it->first;
    value = **version;
    return true;
  }
  return false;
}

std::unique_ptr<KeyValueCursor> MemoryKeyValue::Scan(TableId table, std::string_view begin,
                                                     std::string_view end) const {
  return std::make_unique<MemoryKeyValueCursor>(std::make_shared<Pinned>(*this), table, begin, end);
}

absl::StatusOr<TableId> MemoryKeyValue::OpenTable(std::string_view name) {
  DAYBOOK_RETURN_IF_ERROR(internal::CheckTableName(name));
  absl::MutexLock lock(&mu_);
  const auto found = names_.find(name);
  if (found != names_.end()) return TableId(found->second);
  names_.emplace(name, ++last_table_);
  tables_[last_table_];
  return TableId(last_table_);
}

absl::Status MemoryKeyValue::DropTable(std::string_view name) {
  absl::MutexLock lock(&mu_);
  const auto found = names_.find(name);
  if (found == names_.end()) return absl::NotFoundError(absl::StrCat("no table \"", ToAbsl(name), "\""));
  tables_.erase(found->second);
  names_.erase(found);
  return absl::OkStatus();
}

std::vector<std::string> MemoryKeyValue::TableNames() const {
  absl::ReaderMutexLock lock(&mu_);
  std::vector<std::string> names;
  for (const auto& [name, id] : names_) names.push_back(name);
  return names;
}

absl::Status MemoryKeyValue::CheckChanges(const WriteBatch& batch) const {
  for (const WriteBatch::Change& change : batch.changes()) {
    DAYBOOK_RETURN_IF_ERROR(Find(change.table).status());
    DAYBOOK_RETURN_IF_ERROR(internal::CheckChange(change));
  }
  return absl::OkStatus();
}

void MemoryKeyValue::Set(Versions& versions, std::optional<std::string> value) {
  // What no pinned reader can see any more goes.
  const Sequence oldest = pinned_.empty() ? sequence_ : *pinned_.begin();
  while (versions.size() > 1 && versions[1].first <= oldest) versions.erase(versions.begin());
  if (!versions.empty() && pinned_.empty()) versions.clear();
  if (!versions.empty() && versions.back().first == sequence_) versions.pop_back();
  versions.emplace_back(sequence_, std::move(value));
}

void MemoryKeyValue::Apply(const WriteBatch::Change& change) {
  Table& rows = tables_[change.table.value()];
  switch (change.kind) {
    case WriteBatch::Change::Kind::kPut:
      Set(rows[change.key], change.value);
      return;
    case WriteBatch::Change::Kind::kDelete: {
      const auto found = rows.find(change.key);
      if (found == rows.end()) return;
      Set(found->second, std::nullopt);
      if (pinned_.empty()) rows.erase(found);
      return;
    }
    case WriteBatch::Change::Kind::kDeleteRange:
      for (auto it = rows.lower_bound(change.key); it != rows.end() && it->first < change.value;) {
        Set(it->second, std::nullopt);
        it = pinned_.empty() ? rows.erase(it) : std::next(it);
      }
      return;
  }
}

absl::Status MemoryKeyValue::Write(const WriteBatch& batch, Durability) {
  absl::MutexLock lock(&mu_);
  DAYBOOK_RETURN_IF_ERROR(CheckChanges(batch));
  ++sequence_;
  for (const WriteBatch::Change& change : batch.changes()) Apply(change);
  return absl::OkStatus();
}

std::unique_ptr<KeyValueReader> MemoryKeyValue::Snapshot() const { return std::make_unique<MemorySnapshot>(*this); }

}  // namespace

std::unique_ptr<KeyValue> NewMemoryKeyValue() { return std::make_unique<MemoryKeyValue>(); }

}  // namespace daybook::store
