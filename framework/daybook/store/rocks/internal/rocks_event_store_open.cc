// Opening and closing: everything that decides whether a directory may be used.
#include <rocksdb/convenience.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/internal/seeded_bugs.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/store/rocks/internal/log_tail.h"
#include "daybook/store/rocks/internal/rocks_event_store_impl.h"
#include "daybook/store/rocks/rocks_file_system.h"

namespace daybook::store {
namespace internal {
namespace {

constexpr std::size_t kHeadCacheEntries = 64 * 1024;

}  // namespace

RocksEventStore::RocksEventStore(const RocksEventStoreOptions& options,
                                 std::shared_ptr<rocksdb::FileSystem> file_system)
    : options_(options), file_system_(std::move(file_system)), poison_(options.path), heads_(kHeadCacheEntries) {}

RocksEventStore::~RocksEventStore() {
  if (watermark_ != nullptr) watermark_->Close();
  absl::MutexLock lock(&write_mu_);
  if (mark_) mark_->Sync();
  opened_.Close();
}

absl::StatusOr<std::unique_ptr<RocksEventStore>> RocksEventStore::Open(
    const RocksEventStoreOptions& options, std::shared_ptr<rocksdb::FileSystem> file_system) {
  std::unique_ptr<RocksEventStore> store(new RocksEventStore(options, std::move(file_system)));
  DAYBOOK_RETURN_IF_ERROR(store->OpenDatabaseFiles());
  DAYBOOK_RETURN_IF_ERROR(Annotate(store->Recover(), options.path));
  return store;
}

absl::Status RocksEventStore::OpenDatabaseFiles() {
  DAYBOOK_ASSIGN_OR_RETURN(const bool exists, PrepareDirectory(*file_system_, options_.path));
  rocksdb::DBOptions options = CommonOptions();
  options.allow_concurrent_memtable_write = false;  // the hash memtables know only one writer
  options.create_if_missing = !exists;
  options.create_missing_column_families = true;
  options.listeners.push_back(std::make_shared<PoisonListener>(poison_));
  if (daybook::internal::SeededBug("log_damage_skipped")) {
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  } else {
    DAYBOOK_ASSIGN_OR_RETURN(options.wal_recovery_mode, InspectLogs(*file_system_, options_.path));
  }
  if (exists) DAYBOOK_RETURN_IF_ERROR(CheckFamilies());
  const FamilySettings settings = {rocksdb::NewLRUCache(options_.block_cache_bytes), options_.outcome_retention,
                                   options_.clock};
  DAYBOOK_ASSIGN_OR_RETURN(opened_, OpenFamilies(options, file_system_, options_.path, EventStoreFamilies(settings)));
  return absl::OkStatus();
}

absl::Status RocksEventStore::CheckFamilies() const {
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(file_system_);
  rocksdb::DBOptions options;
  options.env = env.get();
  DAYBOOK_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFamilies(options, options_.path));
  for (const std::string& name : names) {
    if (std::find(kFamilyNames.begin(), kFamilyNames.end(), name) != kFamilyNames.end()) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        options_.path, ": holds the table \"", name,
        "\", which this version of the event store does not know: open it with the version that wrote it"));
  }
  return absl::OkStatus();
}

absl::Status RocksEventStore::Recover() {
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> format, Get(Family::kMeta, kMetaFormat));
  const std::unique_ptr<rocksdb::Iterator> log(
      opened_.db->NewIterator(rocksdb::ReadOptions(), family(Family::kEvents)));
  log->SeekToLast();
  if (!log->Valid() && !log->status().ok()) return FromRocks(log->status(), "the end of the log");
  const bool has_events = log->Valid();
  {
    absl::MutexLock lock(&write_mu_);
    if (has_events && log->key().size() != 8) return absl::DataLossError("the log's last key is not valid");
    if (has_events) log_end_ = Position(ReadBigEndian64(log->key().data()));
    DAYBOOK_ASSIGN_OR_RETURN(CommittedMark mark, CommittedMark::Open(file_system_, options_.path));
    mark_.emplace(std::move(mark));
  }
  // A directory without a format row is new, or its creation was interrupted; with events in it, it is neither.
  if (!format && has_events) return absl::DataLossError("the row \"format\" is missing");
  DAYBOOK_RETURN_IF_ERROR(format ? CheckIdentity() : WriteFirstRows());
  DAYBOOK_RETURN_IF_ERROR(CheckLogEnd());
  absl::MutexLock lock(&write_mu_);
  watermark_ = std::make_shared<internal::DurableWatermark>(log_end_);
  return absl::OkStatus();
}

absl::Status RocksEventStore::WriteFirstRows() {
  absl::MutexLock lock(&write_mu_);
  DAYBOOK_RETURN_IF_ERROR(BeginBatch());
  DAYBOOK_RETURN_IF_ERROR(StagePut(Family::kMeta, kMetaFormat, NumberValue(kMetaFormat, kEventStoreFormat)));
  DAYBOOK_RETURN_IF_ERROR(
      StagePut(Family::kMeta, kMetaPartition, NumberValue(kMetaPartition, options_.partition.value())));
  DAYBOOK_RETURN_IF_ERROR(StagePut(Family::kMeta, kMetaEpoch, NumberValue(kMetaEpoch, 0)));
  SetCommitValue(CommitRow{}, value_);
  DAYBOOK_RETURN_IF_ERROR(StagePut(Family::kMeta, kMetaCommit, value_));
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return FromRocks(opened_.db->Write(synced, &rows_), "writing the first rows");
}

absl::Status RocksEventStore::CheckIdentity() {
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> format, GetNumber(kMetaFormat));
  if (format != kEventStoreFormat) {
    return absl::FailedPreconditionError(absl::StrCat("format version ", format.value_or(0),
                                                      ", but this program knows version ", kEventStoreFormat,
                                                      " only: open it with the version that wrote it"));
  }
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> partition, GetNumber(kMetaPartition));
  if (!partition) return absl::DataLossError("the row \"partition\" is missing");
  if (*partition != options_.partition.value()) {
    return absl::FailedPreconditionError(
        absl::StrCat("this is partition ", *partition, ", not ", options_.partition.value(), ": check the directory"));
  }
  return absl::OkStatus();
}

// The three places that know where the log ends agree, or something acknowledged is missing.
absl::Status RocksEventStore::CheckLogEnd() {
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> epoch, GetNumber(kMetaEpoch));
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> row, Get(Family::kMeta, kMetaCommit));
  if (!epoch || !row) return absl::DataLossError("the rows \"epoch\" and \"commit\" are not both there");
  const std::optional<CommitRow> commit = ParseCommitValue(*row);
  if (!commit) return DamagedRow("meta", kMetaCommit);
  absl::MutexLock lock(&write_mu_);
  epoch_ = WriterEpoch(*epoch);
  commit_ = *commit;
  if (daybook::internal::SeededBug("log_damage_skipped")) return absl::OkStatus();
  if (commit_.last != log_end_) {
    return absl::DataLossError(absl::StrCat("batch ", commit_.number, " ended the log at position ",
                                            commit_.last.value(), ", but its last page ends at ", log_end_.value()));
  }
  if (commit_.number < mark_->number()) {
    return absl::DataLossError(absl::StrCat("batch ", mark_->number(), " was acknowledged (", CommittedMark::kFileName,
                                            "), but the write-ahead log ends with batch ", commit_.number,
                                            ": the files *.log are damaged or were cut short"));
  }
  mark_->Set(commit_.number);
  return absl::OkStatus();
}

absl::Status RocksEventStore::FlushAll() {
  rocksdb::FlushOptions options;
  options.allow_write_stall = true;
  return FromRocks(opened_.db->Flush(options, opened_.families), "flush");
}

absl::Status RocksEventStore::CompactAll() {
  DAYBOOK_RETURN_IF_ERROR(FlushAll());
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (rocksdb::ColumnFamilyHandle* handle : opened_.families) {
    DAYBOOK_RETURN_IF_ERROR(FromRocks(opened_.db->CompactRange(options, handle, nullptr, nullptr), "compaction"));
  }
  return absl::OkStatus();
}

}  // namespace internal

absl::StatusOr<std::unique_ptr<EventStore>> OpenRocksEventStore(const RocksEventStoreOptions& options) {
  return OpenRocksEventStoreOn(rocksdb::FileSystem::Default(), options);
}

absl::StatusOr<std::unique_ptr<EventStore>> OpenRocksEventStoreOn(std::shared_ptr<rocksdb::FileSystem> file_system,
                                                                  const RocksEventStoreOptions& options) {
  return internal::RocksEventStore::Open(options, std::move(file_system));
}

}  // namespace daybook::store
