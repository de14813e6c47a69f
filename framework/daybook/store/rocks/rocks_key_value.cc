#include "daybook/store/rocks/rocks_key_value.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/internal/seeded_bugs.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/store/internal/batch_checks.h"
#include "daybook/store/rocks/internal/families.h"
#include "daybook/store/rocks/internal/log_tail.h"
#include "daybook/store/rocks/internal/open.h"
#include "daybook/store/rocks/internal/rocks_status.h"
#include "daybook/store/rocks/rocks_file_system.h"

namespace daybook::store {
namespace {

using internal::FromRocks;
using internal::ToSlice;
using internal::ToView;

constexpr char kPrefix[] = "table.";  // before a table's name, so that it is never RocksDB's "default"
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kFormat = "daybook.key_value/1";

// A column family that stays alive while a cursor uses it, even if the table is dropped meanwhile.
struct Table {
  Table(rocksdb::DB* database, rocksdb::ColumnFamilyHandle* handle, std::string_view table)
      : db(database), family(handle), name(table) {}
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() {
    // Fails only for RocksDB's own default family, which no table is.
    [[maybe_unused]] const rocksdb::Status status = db->DestroyColumnFamilyHandle(family);
  }

  rocksdb::DB* const db;
  rocksdb::ColumnFamilyHandle* const family;
  const std::string name;
};

// A snapshot of the database, released with its last user.
class Pinned {
 public:
  explicit Pinned(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  ~Pinned() { db_.ReleaseSnapshot(snapshot_); }
  const rocksdb::Snapshot* snapshot() const { return snapshot_; }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* const snapshot_;
};

class RocksKeyValueCursor : public KeyValueCursor {
 public:
  RocksKeyValueCursor(std::shared_ptr<const Table> table, std::shared_ptr<const Pinned> pinned, std::string_view begin,
                      std::string_view end)
      : table_(std::move(table)), pinned_(std::move(pinned)), begin_(begin), end_(end), bound_(end_) {
    rocksdb::ReadOptions options;
    if (pinned_ != nullptr) options.snapshot = pinned_->snapshot();
    if (!end_.empty()) options.iterate_upper_bound = &bound_;
    rows_.reset(table_->db->NewIterator(options, table_->family));
  }

  absl::StatusOr<bool> Next() override {
    if (!started_) {
      started_ = true;
      rows_->Seek(begin_);
    } else if (rows_->Valid()) {
      rows_->Next();
    }
    if (rows_->Valid()) return true;
    if (!rows_->status().ok()) return FromRocks(rows_->status(), absl::StrCat("table ", table_->name));
    return false;
  }
  std::string_view key() const override { return ToView(rows_->key()); }
  std::string_view value() const override { return ToView(rows_->value()); }

 private:
  const std::shared_ptr<const Table> table_;
  const std::shared_ptr<const Pinned> pinned_;
  const std::string begin_;
  const std::string end_;
  const rocksdb::Slice bound_;
  std::unique_ptr<rocksdb::Iterator> rows_;
  bool started_ = false;
};

class FailedCursor : public KeyValueCursor {
 public:
  explicit FailedCursor(absl::Status error) : error_(std::move(error)) {}
  absl::StatusOr<bool> Next() override { return error_; }
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }

 private:
  const absl::Status error_;
};

class RocksKeyValue : public KeyValue {
 public:
  static absl::StatusOr<std::unique_ptr<KeyValue>> Open(std::shared_ptr<rocksdb::FileSystem> file_system,
                                                        const RocksKeyValueOptions& options);
  ~RocksKeyValue() override;

  absl::StatusOr<std::optional<std::string>> Get(TableId table, std::string_view key) const override {
    return GetAt(table, key, nullptr);
  }
  absl::StatusOr<bool> AppendTo(TableId table, std::string_view key, std::string& out) const override {
    return AppendAt(table, key, nullptr, out);
  }
  std::unique_ptr<KeyValueCursor> Scan(TableId table, std::string_view begin, std::string_view end) const override {
    return ScanAt(table, begin, end, nullptr);
  }
  absl::StatusOr<TableId> OpenTable(std::string_view name) override;
  absl::Status DropTable(std::string_view name) override;
  std::vector<std::string> TableNames() const override;
  absl::Status Write(const WriteBatch& batch, Durability durability) override;
  std::unique_ptr<KeyValueReader> Snapshot() const override;
  // What a Get without a snapshot reads is what has a sequence number up to this one.
  std::uint64_t ChangeNumber() const override { return opened_.db->GetLatestSequenceNumber(); }

  // Reading as of `pinned`; null = now.
  absl::StatusOr<std::optional<std::string>> GetAt(TableId table, std::string_view key, const Pinned* pinned) const;
  absl::StatusOr<bool> AppendAt(TableId table, std::string_view key, const Pinned* pinned, std::string& out) const;
  std::unique_ptr<KeyValueCursor> ScanAt(TableId table, std::string_view begin, std::string_view end,
                                         std::shared_ptr<const Pinned> pinned) const;

 private:
  explicit RocksKeyValue(const RocksKeyValueOptions& options)
      : path_(options.path), cache_(rocksdb::NewLRUCache(options.block_cache_bytes)), poison_(options.path) {}

  absl::Status OpenDatabase(std::shared_ptr<rocksdb::FileSystem> file_system);
  absl::Status CheckFormat();
  rocksdb::ColumnFamilyOptions TableOptions() const { return internal::OrderedFamily(cache_, 8 * 1024); }
  TableId Add(std::string_view name, rocksdb::ColumnFamilyHandle* family) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::shared_ptr<const Table>> Find(TableId table) const;
  absl::Status Stage(const WriteBatch& batch, rocksdb::WriteBatch& rows) const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const std::string path_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  internal::Poison poison_;
  internal::OpenDatabase opened_;

  // Held shared by a write, so that no table goes while a batch names it.
  mutable absl::Mutex mu_;
  std::uint32_t last_table_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, std::uint32_t, std::less<>> names_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::uint32_t, std::shared_ptr<const Table>> tables_ ABSL_GUARDED_BY(mu_);
};

class RocksKeyValueSnapshot : public KeyValueReader {
 public:
  RocksKeyValueSnapshot(const RocksKeyValue& kv, rocksdb::DB& db) : kv_(kv), pinned_(std::make_shared<Pinned>(db)) {}
  absl::StatusOr<std::optional<std::string>> Get(TableId table, std::string_view key) const override {
    return kv_.GetAt(table, key, pinned_.get());
  }
  absl::StatusOr<bool> AppendTo(TableId table, std::string_view key, std::string& out) const override {
    return kv_.AppendAt(table, key, pinned_.get(), out);
  }
  std::unique_ptr<KeyValueCursor> Scan(TableId table, std::string_view begin, std::string_view end) const override {
    return kv_.ScanAt(table, begin, end, pinned_);
  }

 private:
  const RocksKeyValue& kv_;
  const std::shared_ptr<const Pinned> pinned_;
};

// --- Opening and tables ----------------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<KeyValue>> RocksKeyValue::Open(std::shared_ptr<rocksdb::FileSystem> file_system,
                                                              const RocksKeyValueOptions& options) {
  std::unique_ptr<RocksKeyValue> kv(new RocksKeyValue(options));
  DAYBOOK_RETURN_IF_ERROR(kv->OpenDatabase(std::move(file_system)));
  DAYBOOK_RETURN_IF_ERROR(Annotate(kv->CheckFormat(), options.path));
  return std::unique_ptr<KeyValue>(std::move(kv));
}

absl::Status RocksKeyValue::OpenDatabase(std::shared_ptr<rocksdb::FileSystem> file_system) {
  DAYBOOK_ASSIGN_OR_RETURN(const bool exists, internal::PrepareDirectory(*file_system, path_));
  rocksdb::DBOptions options = internal::CommonOptions();
  DAYBOOK_ASSIGN_OR_RETURN(options.wal_recovery_mode, internal::InspectLogs(*file_system, path_));
  options.create_if_missing = !exists;
  options.listeners.push_back(std::make_shared<internal::PoisonListener>(poison_));
  std::vector<std::string> names = {rocksdb::kDefaultColumnFamilyName};
  if (exists) {
    const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(file_system);
    rocksdb::DBOptions listing;
    listing.env = env.get();
    DAYBOOK_ASSIGN_OR_RETURN(names, internal::ListFamilies(listing, path_));
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) {
    if (name != rocksdb::kDefaultColumnFamilyName && !name.starts_with(kPrefix)) {
      return absl::FailedPreconditionError(
          absl::StrCat(path_, ": holds \"", name, "\", which is no table: this is not a key-value store"));
    }
    families.emplace_back(name, TableOptions());
  }
  DAYBOOK_ASSIGN_OR_RETURN(opened_, internal::OpenFamilies(options, std::move(file_system), path_, families));
  absl::MutexLock lock(&mu_);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == rocksdb::kDefaultColumnFamilyName) continue;
    Add(std::string_view(names[i]).substr(sizeof(kPrefix) - 1), opened_.families[i]);
    opened_.families[i] = nullptr;  // the table owns it now
  }
  std::erase(opened_.families, nullptr);
  return absl::OkStatus();
}

absl::Status RocksKeyValue::CheckFormat() {
  std::string format;
  const rocksdb::Status read = opened_.db->Get(rocksdb::ReadOptions(), ToSlice(kFormatKey), &format);
  if (!read.ok() && !read.IsNotFound()) return FromRocks(read, kFormatKey);
  if (read.ok() && format == kFormat) return absl::OkStatus();
  if (read.ok()) {
    return absl::FailedPreconditionError(absl::StrCat("format \"", format, "\", but this program knows \"",
                                                      ToAbsl(kFormat),
                                                      "\" only: open it with the version that wrote it"));
  }
  if (!TableNames().empty()) return absl::DataLossError("the row \"format\" is missing");
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return FromRocks(opened_.db->Put(synced, ToSlice(kFormatKey), ToSlice(kFormat)), kFormatKey);
}

RocksKeyValue::~RocksKeyValue() {
  {
    absl::MutexLock lock(&mu_);
    tables_.clear();
  }
  opened_.Close();
}

TableId RocksKeyValue::Add(std::string_view name, rocksdb::ColumnFamilyHandle* family) {
  tables_[++last_table_] = std::make_shared<const Table>(opened_.db.get(), family, name);
  names_.emplace(name, last_table_);
  return TableId(last_table_);
}

absl::StatusOr<TableId> RocksKeyValue::OpenTable(std::string_view name) {
  DAYBOOK_RETURN_IF_ERROR(internal::CheckTableName(name));
  DAYBOOK_RETURN_IF_ERROR(poison_.Check());
  absl::MutexLock lock(&mu_);
  const auto found = names_.find(name);
  if (found != names_.end()) return TableId(found->second);
  rocksdb::ColumnFamilyHandle* family = nullptr;
  const rocksdb::Status created =
      opened_.db->CreateColumnFamily(TableOptions(), absl::StrCat(kPrefix, ToAbsl(name)), &family);
  if (!created.ok()) return FromRocks(created, absl::StrCat(path_, ": creating table ", ToAbsl(name)));
  return Add(name, family);
}

absl::Status RocksKeyValue::DropTable(std::string_view name) {
  DAYBOOK_RETURN_IF_ERROR(poison_.Check());
  absl::MutexLock lock(&mu_);
  const auto found = names_.find(name);
  if (found == names_.end()) return absl::NotFoundError(absl::StrCat("no table \"", ToAbsl(name), "\""));
  const rocksdb::Status dropped = opened_.db->DropColumnFamily(tables_[found->second]->family);
  if (!dropped.ok()) return FromRocks(dropped, absl::StrCat(path_, ": dropping table ", ToAbsl(name)));
  tables_.erase(found->second);
  names_.erase(found);
  return absl::OkStatus();
}

std::vector<std::string> RocksKeyValue::TableNames() const {
  absl::ReaderMutexLock lock(&mu_);
  std::vector<std::string> names;
  for (const auto& [name, id] : names_) names.push_back(name);
  return names;
}

absl::StatusOr<std::shared_ptr<const Table>> RocksKeyValue::Find(TableId table) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = tables_.find(table.value());
  if (found == tables_.end()) {
    return absl::NotFoundError(absl::StrCat(path_, ": table ", table.value(), " was dropped or never opened"));
  }
  return found->second;
}

// --- Reading and writing ---------------------------------------------------------------------------------------------

absl::StatusOr<bool> RocksKeyValue::AppendAt(TableId table, std::string_view key, const Pinned* pinned,
                                             std::string& out) const {
  DAYBOOK_ASSIGN_OR_RETURN(const std::shared_ptr<const Table> found, Find(table));
  rocksdb::ReadOptions options;
  if (pinned != nullptr) options.snapshot = pinned->snapshot();
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = opened_.db->Get(options, found->family, ToSlice(key), &value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return FromRocks(status, absl::StrCat("table ", found->name));
  out.append(value.data(), value.size());
  return true;
}

absl::StatusOr<std::optional<std::string>> RocksKeyValue::GetAt(TableId table, std::string_view key,
                                                                const Pinned* pinned) const {
  std::string value;
  DAYBOOK_ASSIGN_OR_RETURN(const bool found, AppendAt(table, key, pinned, value));
  if (!found) return std::optional<std::string>();
  return std::optional<std::string>(std::move(value));
}

std::unique_ptr<KeyValueCursor> RocksKeyValue::ScanAt(TableId table, std::string_view begin, std::string_view end,
                                                      std::shared_ptr<const Pinned> pinned) const {
  absl::StatusOr<std::shared_ptr<const Table>> found = Find(table);
  if (!found.ok()) return std::make_unique<FailedCursor>(found.status());
  return std::make_unique<RocksKeyValueCursor>(*std::move(found), std::move(pinned), begin, end);
}

absl::Status RocksKeyValue::Stage(const WriteBatch& batch, rocksdb::WriteBatch& rows) const {
  for (const WriteBatch::Change& change : batch.changes()) {
    DAYBOOK_RETURN_IF_ERROR(internal::CheckChange(change));
    const auto found = tables_.find(change.table.value());
    if (found == tables_.end()) {
      return absl::NotFoundError(
          absl::StrCat(path_, ": table ", change.table.value(), " was dropped or never opened; nothing is written"));
    }
    rocksdb::ColumnFamilyHandle* const family = found->second->family;
    rocksdb::Status staged;
    switch (change.kind) {
      case WriteBatch::Change::Kind::kPut:
        staged = rows.Put(family, change.key, change.value);
        break;
      case WriteBatch::Change::Kind::kDelete:
        staged = rows.Delete(family, change.key);
        break;
      case WriteBatch::Change::Kind::kDeleteRange:
        if (change.key < change.value) staged = rows.DeleteRange(family, change.key, change.value);
        break;
    }
    if (!staged.ok()) return FromRocks(staged, "staging a change");
  }
  return absl::OkStatus();
}

absl::Status RocksKeyValue::Write(const WriteBatch& batch, Durability durability) {
  DAYBOOK_RETURN_IF_ERROR(poison_.Check());
  absl::ReaderMutexLock lock(&mu_);
  rocksdb::WriteBatch rows(batch.bytes() + batch.changes().size() * 16 + 32);
  if (durability == Durability::kSynced) {
    DAYBOOK_RETURN_IF_ERROR(FromRocks(rows.PutLogData(ToSlice(internal::kSyncedMarker)), "staging the marker"));
  }
  DAYBOOK_RETURN_IF_ERROR(Stage(batch, rows));
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kSynced && !daybook::internal::SeededBug("sync_skipped");
  const rocksdb::Status written = opened_.db->Write(options, &rows);
  if (written.ok()) return absl::OkStatus();
  const absl::Status error = FromRocks(written, absl::StrCat(path_,
                                                             ": a write failed; whether it is stored shows when "
                                                             "the store is opened again"));
  poison_.Set(error);
  return error;
}

std::unique_ptr<KeyValueReader> RocksKeyValue::Snapshot() const {
  return std::make_unique<RocksKeyValueSnapshot>(*this, *opened_.db);
}

}  // namespace

absl::StatusOr<std::unique_ptr<KeyValue>> OpenRocksKeyValue(const RocksKeyValueOptions& options) {
  return OpenRocksKeyValueOn(rocksdb::FileSystem::Default(), options);
}

absl::StatusOr<std::unique_ptr<KeyValue>> OpenRocksKeyValueOn(std::shared_ptr<rocksdb::FileSystem> file_system,
                                                              const RocksKeyValueOptions& options) {
  return RocksKeyValue::Open(std::move(file_system), options);
}

}  // namespace daybook::store
