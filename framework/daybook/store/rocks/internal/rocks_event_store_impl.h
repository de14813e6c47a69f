#ifndef DAYBOOK_STORE_ROCKS_INTERNAL_ROCKS_EVENT_STORE_IMPL_H_
#define DAYBOOK_STORE_ROCKS_INTERNAL_ROCKS_EVENT_STORE_IMPL_H_

#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <rocksdb/write_batch.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daybook/store/event_store.h"
#include "daybook/store/internal/durable_watermark.h"
#include "daybook/store/rocks/internal/committed_mark.h"
#include "daybook/store/rocks/internal/cursors.h"
#include "daybook/store/rocks/internal/families.h"
#include "daybook/store/rocks/internal/format.h"
#include "daybook/store/rocks/internal/head_cache.h"
#include "daybook/store/rocks/internal/open.h"
#include "daybook/store/rocks/internal/rocks_status.h"
#include "daybook/store/rocks/rocks_event_store.h"

namespace daybook::store::internal {

class RocksEventStore : public EventStore {
 public:
  // As OpenRocksEventStore, on any file system.
  static absl::StatusOr<std::unique_ptr<RocksEventStore>> Open(const RocksEventStoreOptions& options,
                                                               std::shared_ptr<rocksdb::FileSystem> file_system);
  ~RocksEventStore() override;

  absl::StatusOr<Appended> Append(const Batch& batch) override;
  absl::Status WriteSnapshots(const std::vector<SnapshotRow>& snapshots) override;
  absl::StatusOr<WriterEpoch> ClaimEpoch() override;
  std::unique_ptr<EventCursor> ReadStream(const StreamId& stream, Revision from, Direction direction) override;
  std::unique_ptr<EventCursor> ReadAll(Position from) override;
  std::unique_ptr<Subscription> Subscribe(Position from) override;
  absl::StatusOr<StreamHead> Head(const StreamId& stream) override;
  absl::StatusOr<std::optional<OutcomeRow>> FindOutcome(CommandId id, Timestamp not_before) override;
  absl::StatusOr<std::optional<SnapshotRow>> FindSnapshot(const StreamId& stream) override;
  absl::StatusOr<std::vector<DeadlineRow>> DueDeadlines(Timestamp until, std::size_t limit) override;
  absl::StatusOr<std::optional<std::string>> FindInputPosition(std::string_view source) override;
  Position DurableWatermark() const override { return watermark_->Get(); }
  absl::Status health() const override { return poison_.Check(); }

  // For tests: what lies in memory goes to files; every file is compacted.
  absl::Status FlushAll();
  absl::Status CompactAll();
  // For tests that damage rows.
  rocksdb::DB& database() { return *opened_.db; }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return opened_.families[static_cast<std::size_t>(family)];
  }

 private:
  RocksEventStore(const RocksEventStoreOptions& options, std::shared_ptr<rocksdb::FileSystem> file_system);

  // Opening.
  absl::Status OpenDatabaseFiles();
  absl::Status CheckFamilies() const;
  absl::Status Recover();
  absl::Status WriteFirstRows();
  absl::Status CheckIdentity();
  absl::Status CheckLogEnd();

  // Reads a row; nullopt if there is none.
  absl::StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const;
  absl::StatusOr<std::optional<std::uint64_t>> GetNumber(std::string_view key) const;
  absl::StatusOr<StreamHead> HeadAt(std::string_view key) const;
  absl::Status DamagedRow(std::string_view table, std::string_view key) const;
  LogFamilies log_families() const { return {opened_.db.get(), family(Family::kEvents), family(Family::kIndex)}; }

  // Appending, under write_mu_.
  absl::Status BeginBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::StatusOr<HeadCache::Entry*> EntryOf(const StreamId& stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status StageAppends(const Batch& batch, Appended& appended) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  // The events of `append`, on a stream that is at `before`, from position `next`.
  absl::Status StageEvents(const StreamAppend& append, Revision before, Position next)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  void RollBack(const Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status StageRows(const Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status StageDeadlines(const Batch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  void LowerDeadlineFloor(const std::vector<DeadlineRow>& set) ABSL_LOCKS_EXCLUDED(deadline_mu_);
  absl::Status StagePage(Position last) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  absl::Status StagePut(Family family, std::string_view key, std::string_view value)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);
  // Makes what is staged durable, with the commit row and the epoch.
  absl::Status Commit(Position last, WriterEpoch epoch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mu_);

  // Adds to `rows` those snapshots that are newer than what is stored.
  absl::Status StageSnapshots(const std::vector<SnapshotRow>& snapshots, Position watermark, rocksdb::WriteBatch& rows)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(snapshot_mu_);

  const RocksEventStoreOptions options_;
  const std::shared_ptr<rocksdb::FileSystem> file_system_;
  Poison poison_;
  OpenDatabase opened_;
  std::shared_ptr<internal::DurableWatermark> watermark_;

  absl::Mutex snapshot_mu_ ABSL_ACQUIRED_AFTER(write_mu_);

  // No deadline lies before the floor, so that a scan need not walk over all that were cleared.
  absl::Mutex deadline_mu_ ABSL_ACQUIRED_AFTER(write_mu_);
  std::string deadline_floor_ ABSL_GUARDED_BY(deadline_mu_);
  std::uint64_t deadlines_set_ ABSL_GUARDED_BY(deadline_mu_) = 0;

  absl::Mutex write_mu_;
  std::optional<CommittedMark> mark_ ABSL_GUARDED_BY(write_mu_);
  CommitRow commit_ ABSL_GUARDED_BY(write_mu_);
  WriterEpoch epoch_ ABSL_GUARDED_BY(write_mu_);
  Position log_end_ ABSL_GUARDED_BY(write_mu_);
  HeadCache heads_ ABSL_GUARDED_BY(write_mu_);
  // Reused from batch to batch, so that staging an event allocates nothing.
  rocksdb::WriteBatch rows_ ABSL_GUARDED_BY(write_mu_);
  PageBuilder page_ ABSL_GUARDED_BY(write_mu_);
  std::string key_ ABSL_GUARDED_BY(write_mu_);
  std::string value_ ABSL_GUARDED_BY(write_mu_);
};

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_ROCKS_INTERNAL_ROCKS_EVENT_STORE_IMPL_H_
