#ifndef DAYBOOK_CDC_INTERNAL_GATEWAY_IMPL_H_
#define DAYBOOK_CDC_INTERNAL_GATEWAY_IMPL_H_

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/strings.h"
#include "daybook/cdc/change_record.h"
#include "daybook/cdc/gateway.h"
#include "daybook/cdc/internal/dead_letters.h"
#include "daybook/cdc/internal/outbox.h"
#include "daybook/cdc/internal/recent_keys.h"
#include "daybook/cdc/internal/row_store.h"
#include "daybook/cdc/internal/transactions.h"

namespace daybook::cdc {

// The engine behind Gateway, in five parts: gateway.cc opens, commits and counts, gateway_apply.cc changes rows and
// marks aggregates, gateway_emit.cc turns marked aggregates into commands, gateway_share.cc shares the work with
// others, gateway_snapshot.cc looks for what a snapshot lacks.
struct Gateway::Impl {
  // Why an aggregate is looked at again: because of a transaction, or of a change outside any.
  struct Cause {
    std::optional<std::uint64_t> transaction;  // open at the time
    bool debounced = true;
    std::int64_t source_time_us = 0;
    internal::SaidChange said;  // by a transaction that is complete
  };

  // An aggregate that changed and was not emitted since.
  struct Dirty {
    absl::Duration first_change;  // of those to be debounced
    absl::Duration last_change;
    bool debounced = false;
    bool queued = false;  // in due_
    std::vector<std::uint64_t> transactions;
    std::int64_t source_time_us = 0;
    internal::SaidChange said;
  };

  // What a command tells of the changes behind it.
  struct Origin {
    std::int64_t source_time_us = 0;
    std::string said;
  };

  // What is known of an aggregate's commands.
  struct Emitted {
    std::uint64_t count = 0;  // commands so far
    bool exists = false;      // the last one was no Forget
    std::array<std::uint8_t, 16> hash = {};
    bool changed = false;
  };

  struct Parked {
    Timestamp since;
    bool incomplete = false;
    bool reported = false;
  };

  // A changed row whose parents are still being marked (rule R11).
  struct FanOut {
    int table = 0;
    std::string key;
    int place = 0;      // which of the table's placements
    std::string after;  // the last parent looked at
    Cause cause;
    bool stored = false;
  };

  // The newest full snapshot (rule R12), and the look for rows that it lacks.
  struct FullSnapshot {
    std::uint64_t lsn = 0;
    SnapshotCheck::Stage stage = SnapshotCheck::Stage::kNone;
    std::set<int> tables;         // of which it held rows
    absl::Duration ended_at;      // or its last record was applied, if later
    std::string looked_to;        // id of the last row that was looked at
    std::uint64_t missing = 0;    // found so far
    std::set<std::string> named;  // ids of the first of those
    std::set<int> without_rows;   // tables found to have rows here and none in it
    bool stored = true;           // lsn, stage and tables are as on disk, or in no need to be
    bool shown = false;           // to other threads
  };

  enum class Attempt { kDone, kWaits };

  // What became of a command that was to be sent: there is nothing to do, or a standby must not send it.
  enum class Sending { kSettled, kHeld };

  struct Place {
    std::int64_t offset = 0;
    std::int64_t timestamp_ms = 0;
  };

  // What one row tree is made of, while it is being assembled.
  struct Assembly {
    std::string versions;  // for the command id: table, key and lsn of every row
    std::vector<std::uint64_t> blocking;
    std::string missing;  // the first row that is referenced and not there
    bool incomplete = false;
  };

  Impl(GatewayOptions o, store::KeyValue* k);
  absl::Status OpenTables();
  absl::Status Load(CommandSink* sink);
  absl::Status LoadAggregates();

  // gateway.cc
  absl::Status IngestBatch(std::span<const Record> records);
  absl::Status Commit();
  void AppendState(store::WriteBatch& batch);
  void AppendFanOuts(store::WriteBatch& batch);
  absl::Status PublishOutbox();
  absl::Status Fail(const absl::Status& status);
  void UpdateCounters();
  std::string* PositionOf(const Record& record);

  // gateway_apply.cc
  absl::Status Handle(const Record& record);
  absl::Status ApplyRow(Change& change);
  absl::Status ApplyDelete(const Change& change, internal::StoredRow& row, const Cause& cause);
  absl::Status LeaveOldKey(const Change& change, const Cause& cause);
  absl::Status ReleaseHeld(int table, std::string_view key, const Cause& cause);
  absl::Status ResolvePlaceholders(Change& change, const internal::StoredRow* base, std::vector<int>& unknown);
  void NoteMessage(const Change& change);
  Cause CauseOf(const Change& change) const;
  absl::Status Replace(int table, std::string_view key, internal::StoredRow row, const Cause& cause);
  absl::Status MarkAbove(int table, std::string_view key, const std::vector<Value>& values, const Cause& cause);
  void MarkAggregate(int aggregate, std::string_view key, const Cause& cause);
  void AddFanOut(int table, std::string_view key, const Cause& cause);
  absl::Status RunFanOuts(std::size_t rows_max);
  absl::Status RunFanOut(FanOut& work, std::size_t& budget, bool& finished);

  // gateway_emit.cc
  void CloseTransactions(const std::vector<std::uint64_t>& ids);
  absl::Status EmitDue(absl::Duration now);
  absl::Status EmitReady(std::size_t& budget);
  absl::StatusOr<Attempt> TryEmit(const std::string& id);
  absl::StatusOr<Attempt> Emit(const std::string& id, Dirty& dirty);
  absl::StatusOr<Attempt> EmitGone(const std::string& id, Dirty& dirty, const internal::StoredRow* root);
  absl::StatusOr<RowTree> Assemble(int node, std::string_view key, const internal::StoredRow& row, Assembly& assembly);
  absl::Status AssemblePlacement(int node, std::string_view parent_key, const internal::StoredRow& parent,
                                 Assembly& assembly, std::vector<RowTree>& rows);
  absl::StatusOr<Sending> Send(const std::string& id, const MappedCommand& mapped, std::string_view versions,
                               bool exists, const Origin& origin);
  Attempt Finish(const std::string& id, Sending sending);
  Attempt Hold(const std::string& id, Dirty& dirty);
  absl::StatusOr<bool> HasChildren(int aggregate, std::string_view key);
  absl::StatusOr<Emitted*> EmittedOf(const std::string& id);
  void Park(const std::string& id, bool incomplete);
  void Unpark(const std::string& id);
  void Settle(const std::string& id);
  void ReportLongParked();
  bool IsDue(const Dirty& dirty, absl::Duration now) const;

  // gateway_snapshot.cc
  absl::Status LoadSnapshot();
  void AppendSnapshot(store::WriteBatch& batch);
  void NoteSnapshot(const Change& change);
  void EndSnapshot();
  void BeginLook();
  bool TakeOffMissing(int table, std::string_view key);
  absl::StatusOr<bool> Look(std::size_t rows_max);
  void EndLook();
  SnapshotCheck ShownSnapshot() const;

  // gateway_share.cc
  absl::Status LoadShared();
  void AppendShared(store::WriteBatch& batch);
  absl::Status ObserveOne(const Published& published);
  absl::Status Adopt(const Published& published);
  void SetLetterAside(const Record& record, const absl::Status& why);

  const GatewayOptions options;
  const Catalog& catalog;
  store::KeyValue* const kv;
  store::TableId rows_table;
  store::TableId index_table;
  store::TableId state_table;
  store::TableId aggregates_table;
  store::TableId outbox_table;
  ChangeParser parser;
  internal::DeadLetters dead_letters;
  std::unique_ptr<internal::RowStore> rows;
  std::unique_ptr<internal::Transactions> transactions;
  std::unique_ptr<internal::Outbox> outbox;

  absl::Status failed;
  bool flushing = false;
  Change change;
  absl::Duration now;
  absl::Duration behind_at = -absl::InfiniteDuration();  // the last time that more was known to be there than was read

  // Input positions: key "topic" + partition.
  StringMap<Place> positions;
  StringSet positions_changed;
  StringSet positions_noted;  // changed by Observe only: written with the next batch, or now and then
  StringSet positions_forgotten;
  absl::Duration noted_written;
  internal::RecentKeys bad_lines;  // hashes of lines set aside
  FullSnapshot snapshot;
  std::string position_key;

  // Aggregates are named by two bytes of number and the root row's key.
  StringMap<Dirty> dirty;
  StringSet dirty_touched;  // to be written or removed with the batch
  StringSet dirty_stored;   // of those: which are on disk
  std::deque<std::string> ready;
  std::deque<std::pair<absl::Duration, std::string>> due;
  StringMap<Emitted> emitted;
  std::vector<std::string> emitted_changed;
  StringMap<Parked> parked;
  StringSet parked_touched;
  // In fan_out_order, or waiting for a transaction that changed the row.
  StringMap<FanOut> fan_outs;
  std::deque<std::string> fan_out_order;
  absl::flat_hash_map<std::uint64_t, std::vector<std::string>> fan_outs_waiting;  // by transaction
  StringSet fan_outs_changed;                                                     // to be written with the batch
  StringSet fan_outs_done;                                                        // stored ones to be removed

  // Shared work.
  Role role;
  std::string writer;
  bool replayed = false;  // the present record is a dead letter sent back
  StringSet held;         // dirty ones that a standby does not send
  // Ids of letters that another gateway published before this one came to the record.
  internal::RecentKeys letters_seen;

  absl::Duration parked_checked;
  absl::Duration parked_counted;

  GatewayCounters count;
  std::int64_t newest_source_time_us = 0;
  mutable absl::Mutex mu;
  GatewayCounters published_counters ABSL_GUARDED_BY(mu);
  SnapshotCheck published_snapshot ABSL_GUARDED_BY(mu);
};

}  // namespace daybook::cdc

#endif  // DAYBOOK_CDC_INTERNAL_GATEWAY_IMPL_H_
