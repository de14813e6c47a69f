#include "daybook/store/rocks/rocks_event_store.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/internal/seeded_bugs.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/store/internal/batch_checks.h"
#include "daybook/store/rocks/internal/log_tail.h"
#include "daybook/store/rocks/internal/rocks_event_store_impl.h"

namespace daybook::store::internal {
namespace {

using daybook::internal::SeededBug;

rocksdb::Status Put(rocksdb::WriteBatch& rows, rocksdb::ColumnFamilyHandle* family, std::string_view key,
                    std::string_view value) {
  return rows.Put(family, ToSlice(key), ToSlice(value));
}

}  // namespace

// --- Appending -------------------------------------------------------------------------------------------------------

absl::StatusOr<Appended> RocksEventStore::Append(const Batch& batch) {
  DAYBOOK_RETURN_IF_ERROR(CheckBatch(batch));
  absl::MutexLock lock(&write_mu_);
  DAYBOOK_RETURN_IF_ERROR(poison_.Check());
  DAYBOOK_RETURN_IF_ERROR(CheckEpoch(batch.epoch, epoch_));
  DAYBOOK_RETURN_IF_ERROR(CheckFirstPosition(batch.first_position, log_end_.Next()));
  DAYBOOK_RETURN_IF_ERROR(BeginBatch());
  Appended appended;
  absl::Status staged = StageAppends(batch, appended);
  if (staged.ok()) staged = StageRows(batch);
  if (!staged.ok()) {
    RollBack(batch);
    if (SeededBug("position_kept_on_abort")) log_end_ = appended.last;
    return staged;
  }
  if (batch.snapshots.empty()) {
    DAYBOOK_RETURN_IF_ERROR(Commit(appended.last, batch.epoch));
  } else {
    absl::MutexLock snapshots(&snapshot_mu_);
    DAYBOOK_RETURN_IF_ERROR(StageSnapshots(batch.snapshots, appended.last, rows_));
    DAYBOOK_RETURN_IF_ERROR(Commit(appended.last, batch.epoch));
  }
  LowerDeadlineFloor(batch.deadlines_set);
  return appended;
}

absl::Status RocksEventStore::BeginBatch() {
  heads_.BeginBatch();
  rows_.Clear();
  return FromRocks(rows_.PutLogData(ToSlice(kSyncedMarker)), "staging the marker");
}

absl::Status RocksEventStore::StageAppends(const Batch& batch, Appended& appended) {
  Position next = log_end_.Next();
  if (!batch.appends.empty()) appended.first = next;
  appended.last_revisions.reserve(batch.appends.size());
  appended.last = log_end_;
  for (const StreamAppend& append : batch.appends) {
    DAYBOOK_ASSIGN_OR_RETURN(HeadCache::Entry* const entry, EntryOf(append.stream));
    const Revision before = entry->current().revision;
    DAYBOOK_RETURN_IF_ERROR(CheckExpected(append, before));
    DAYBOOK_RETURN_IF_ERROR(StageEvents(append, before, next));
    next = next.Plus(append.events.size());
    const StreamHead head = {before.Plus(append.events.size()), Position(next.value() - 1)};
    entry->Stage(heads_.batch(), head);
    SetIndexKey(append.stream.text(), Revision(), key_);
    SetHeadValue(key_, head, value_);
    DAYBOOK_RETURN_IF_ERROR(StagePut(Family::kIndex, key_, value_));
    appended.last_revisions.push_back(head.revision);
    appended.last = head.position;
  }
  return page_.empty() ? absl::OkStatus() : StagePage(appended.last);
}

absl::Status RocksEventStore::StageEvents(const StreamAppend& append, Revision before, Position next) {
  const auto count = static_cast<std::uint32_t>(append.events.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const Revision revision = before.Plus(i + 1);
    const Position position = next.Plus(i);
    page_.Add(append.stream, revision, i, count, append.events[i], position);
    if (page_.full()) DAYBOOK_RETURN_IF_ERROR(StagePage(position));
    SetIndexKey(append.stream.text(), revision, key_);
    SetPositionBytes(position, value_);
    DAYBOOK_RETURN_IF_ERROR(StagePut(Family::kIndex, key_, value_));
  }
  return absl::OkStatus();
}

absl::StatusOr<HeadCache::Entry*> RocksEventStore::EntryOf(const StreamId& stream) {
  HeadCache::Entry* const entry = heads_.Find(stream.text());
  if (entry != nullptr) return entry;
  SetIndexKey(stream.text(), Revision(), key_);
  DAYBOOK_ASSIGN_OR_RETURN(const StreamHead head, HeadAt(key_));
  return heads_.Insert(stream.text(), head);
}

void RocksEventStore::RollBack(const Batch& batch) {
  for (const StreamAppend& append : batch.appends) {
    HeadCache::Entry* const entry = heads_.Find(append.stream.text());
    if (entry != nullptr) entry->Rollback(heads_.batch());
  }
  page_.Clear();
}

absl::Status RocksEventStore::StagePage(Position last) {
  SetPositionBytes(last, key_);
  return StagePut(Family::kEvents, key_, page_.Finish());
}

absl::Status RocksEventStore::StagePut(Family family, std::string_view key, std::string_view value) {
  return FromRocks(Put(rows_, this->family(family), key, value), "staging a row");
}

absl::Status RocksEventStore::StageRows(const Batch& batch) {
  for (const OutcomeRow& row : batch.outcomes) {
    SetOutcomeValue(row, value_);
    DAYBOOK_RETURN_IF_ERROR(StagePut(Family::kOutcomes, row.command_id.uuid().raw(), value_));
  }
  DAYBOOK_RETURN_IF_ERROR(StageDeadlines(batch));
  for (const InputPosition& input : batch.inputs) {
    const std::string key = MetaInputKey(input.source);
    std::string value = input.value;
    AppendSeal(key, value);
    DAYBOOK_RETURN_IF_ERROR(StagePut(Family::kMeta, key, value));
  }
  return absl::OkStatus();
}

absl::Status RocksEventStore::StageDeadlines(const Batch& batch) {
  for (const DeadlineRow& row : batch.deadlines_set) {
    const std::string key = DeadlineKey(row);
    DAYBOOK_RETURN_IF_ERROR(StagePut(Family::kDeadlines, key, DeadlineValue(key, row.payload)));
  }
  for (const DeadlineRow& row : batch.deadlines_cleared) {
    DAYBOOK_RETURN_IF_ERROR(
        FromRocks(rows_.Delete(family(Family::kDeadlines), ToSlice(DeadlineKey(row))), "staging a row"));
  }
  return absl::OkStatus();
}

// Only once they can be read: a scan that began before must not raise the floor above them afterwards.
void RocksEventStore::LowerDeadlineFloor(const std::vector<DeadlineRow>& set) {
  for (const DeadlineRow& row : set) {
    absl::MutexLock lock(&deadline_mu_);
    ++deadlines_set_;
    deadline_floor_ = std::min(deadline_floor_, DeadlineKey(row));
  }
}

absl::Status RocksEventStore::Commit(Position last, WriterEpoch epoch) {
  const CommitRow commit = {commit_.number + 1, last};
  SetCommitValue(commit, value_);
  DAYBOOK_RETURN_IF_ERROR(StagePut(Family::kMeta, kMetaCommit, value_));
  if (epoch > epoch_) {
    DAYBOOK_RETURN_IF_ERROR(StagePut(Family::kMeta, kMetaEpoch, NumberValue(kMetaEpoch, epoch.value())));
  }
  rocksdb::WriteOptions options;
  options.sync = !SeededBug("sync_skipped");
  const rocksdb::Status written = opened_.db->Write(options, &rows_);
  if (!written.ok() && !SeededBug("store_sync_failure_swallowed")) {
    const absl::Status error =
        FromRocks(written, absl::StrCat(options_.path, ": batch ", commit.number,
                                        " failed; whether it is stored shows when the store is opened again"));
    poison_.Set(error);
    return error;
  }
  commit_ = commit;
  epoch_ = epoch;
  log_end_ = last;
  mark_->Set(commit.number);
  watermark_->Advance(last);
  return absl::OkStatus();
}

absl::StatusOr<WriterEpoch> RocksEventStore::ClaimEpoch() {
  absl::MutexLock lock(&write_mu_);
  DAYBOOK_RETURN_IF_ERROR(poison_.Check());
  DAYBOOK_RETURN_IF_ERROR(BeginBatch());
  DAYBOOK_RETURN_IF_ERROR(Commit(log_end_, epoch_.Next()));
  return epoch_;
}

// --- Snapshots -------------------------------------------------------------------------------------------------------

absl::Status RocksEventStore::WriteSnapshots(const std::vector<SnapshotRow>& snapshots) {
  for (const SnapshotRow& row : snapshots) DAYBOOK_RETURN_IF_ERROR(CheckSnapshot(row));
  DAYBOOK_RETURN_IF_ERROR(poison_.Check());
  absl::MutexLock lock(&snapshot_mu_);
  rocksdb::WriteBatch rows;
  DAYBOOK_RETURN_IF_ERROR(StageSnapshots(snapshots, watermark_->Get(), rows));
  if (rows.Count() == 0) return absl::OkStatus();
  const absl::Status written =
      FromRocks(opened_.db->Write(rocksdb::WriteOptions(), &rows), absl::StrCat(options_.path, ": snapshots"));
  if (!written.ok()) poison_.Set(written);
  return written;
}

absl::Status RocksEventStore::StageSnapshots(const std::vector<SnapshotRow>& snapshots, Position watermark,
                                             rocksdb::WriteBatch& rows) {
  std::string value;
  for (const SnapshotRow& row : snapshots) {
    DAYBOOK_ASSIGN_OR_RETURN(const std::optional<SnapshotRow> stored, FindSnapshot(row.stream));
    if (!TakesSnapshot(row, stored ? stored->revision : Revision(), watermark)) continue;
    SetSnapshotValue(row, value);
    const rocksdb::Status put = Put(rows, family(Family::kSnapshots), row.stream.text(), value);
    if (!put.ok()) return FromRocks(put, "staging a snapshot");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<SnapshotRow>> RocksEventStore::FindSnapshot(const StreamId& stream) {
  const absl::StatusOr<std::optional<std::string>> value = Get(Family::kSnapshots, stream.text());
  if (!value.ok() && !absl::IsDataLoss(value.status())) return value.status();
  if (value.ok() && !value->has_value()) return std::optional<SnapshotRow>();
  std::optional<SnapshotRow> row;
  if (value.ok()) row = ParseSnapshot(stream, **value);
  if (value.ok() && !row && SeededBug("snapshot_seal_unchecked")) row = ParseSnapshotUnchecked(stream, **value);
  if (!row) Log(LogLevel::kWarning, "a damaged snapshot is ignored", {{"stream", stream.text()}});
  return row;
}

// --- Reading ---------------------------------------------------------------------------------------------------------

absl::StatusOr<std::optional<std::string>> RocksEventStore::Get(Family family, std::string_view key) const {
  std::string value;
  const rocksdb::Status status = opened_.db->Get(rocksdb::ReadOptions(), this->family(family), ToSlice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) {
    return FromRocks(status, absl::StrCat(options_.path, ": ", kFamilyNames[static_cast<std::size_t>(family)],
                                          " row \"", absl::CHexEscape(ToAbsl(key)), "\""));
  }
  return std::optional<std::string>(std::move(value));
}

absl::StatusOr<std::optional<std::uint64_t>> RocksEventStore::GetNumber(std::string_view key) const {
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> value, Get(Family::kMeta, key));
  if (!value) return std::optional<std::uint64_t>();
  const std::optional<std::uint64_t> number = ParseNumberValue(key, *value);
  if (!number) return DamagedRow("meta", key);
  return number;
}

absl::Status RocksEventStore::DamagedRow(std::string_view table, std::string_view key) const {
  return absl::DataLossError(absl::StrCat(options_.path, ": ", ToAbsl(table), " row \"", absl::CHexEscape(ToAbsl(key)),
                                          "\": its checksum does not fit its bytes"));
}

absl::StatusOr<StreamHead> RocksEventStore::HeadAt(std::string_view key) const {
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> value, Get(Family::kIndex, key));
  if (!value) return StreamHead{};
  const std::optional<StreamHead> head = ParseHeadValue(key, *value);
  if (!head) return DamagedRow("index", key);
  return *head;
}

absl::StatusOr<StreamHead> RocksEventStore::Head(const StreamId& stream) {
  if (!stream.IsValid()) return StreamHead{};
  std::string key;
  SetIndexKey(stream.text(), Revision(), key);
  DAYBOOK_ASSIGN_OR_RETURN(const StreamHead head, HeadAt(key));
  // The database shows a batch, which is durable then, a moment before the watermark says so.
  static const std::atomic<bool> never{false};
  if (head.position > watermark_->Get()) {
    watermark_->WaitBeyond(Position(head.position.value() - 1), absl::InfiniteDuration(), never);
  }
  return head;
}

std::unique_ptr<EventCursor> RocksEventStore::ReadStream(const StreamId& stream, Revision from, Direction direction) {
  const absl::StatusOr<StreamHead> head = Head(stream);
  if (!head.ok()) return NewEmptyCursor(head.status());
  if (direction == Direction::kForwards) {
    return NewStreamCursor(log_families(), stream, std::max(from, Revision(1)), head->revision, direction);
  }
  const Revision last = from == Revision() ? head->revision : std::min(from, head->revision);
  return NewStreamCursor(log_families(), stream, Revision(1), last, direction);
}

std::unique_ptr<EventCursor> RocksEventStore::ReadAll(Position from) {
  return NewLogCursor(log_families(), std::max(from, Position(1)), watermark_->Get());
}

std::unique_ptr<Subscription> RocksEventStore::Subscribe(Position from) {
  return std::make_unique<LogSubscription>(watermark_, NewLogReader(log_families()), from);
}

absl::StatusOr<std::optional<OutcomeRow>> RocksEventStore::FindOutcome(CommandId id, Timestamp not_before) {
  const std::string_view key = id.uuid().raw();
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> value, Get(Family::kOutcomes, key));
  if (!value) return std::optional<OutcomeRow>();
  std::optional<OutcomeRow> row = ParseOutcome(key, *value);
  if (!row) return DamagedRow("outcomes", key);
  if (row->decided_at < not_before) return std::optional<OutcomeRow>();
  return row;
}

absl::StatusOr<std::vector<DeadlineRow>> RocksEventStore::DueDeadlines(Timestamp until, std::size_t limit) {
  const std::string end = DeadlineKeyAfter(until);
  const rocksdb::Slice bound = ToSlice(end);
  rocksdb::ReadOptions options;
  if (!end.empty()) options.iterate_upper_bound = &bound;
  std::string floor;
  std::uint64_t set = 0;
  {
    absl::MutexLock lock(&deadline_mu_);
    floor = deadline_floor_;
    set = deadlines_set_;
  }
  const std::unique_ptr<rocksdb::Iterator> rows(opened_.db->NewIterator(options, family(Family::kDeadlines)));
  std::vector<DeadlineRow> due;
  rows->Seek(floor);
  floor = rows->Valid() ? rows->key().ToString() : std::max(floor, end);
  for (; rows->Valid() && due.size() < limit; rows->Next()) {
    std::optional<DeadlineRow> row = ParseDeadline(ToView(rows->key()), ToView(rows->value()));
    if (!row) return DamagedRow("deadlines", ToView(rows->key()));
    due.push_back(*std::move(row));
  }
  if (!rows->status().ok()) return FromRocks(rows->status(), absl::StrCat(options_.path, ": deadlines"));
  absl::MutexLock lock(&deadline_mu_);
  if (set == deadlines_set_) deadline_floor_ = std::max(deadline_floor_, floor);
  return due;
}

absl::StatusOr<std::optional<std::string>> RocksEventStore::FindInputPosition(std::string_view source) {
  const std::string key = MetaInputKey(source);
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> value, Get(Family::kMeta, key));
  if (!value) return std::optional<std::string>();
  const std::optional<std::string_view> position = OpenSeal(key, *value);
  if (!position) return DamagedRow("meta", key);
  return std::optional<std::string>(*position);
}

}  // namespace daybook::store::internal
