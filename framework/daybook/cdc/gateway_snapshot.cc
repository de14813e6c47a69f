#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/cdc/internal/gateway_impl.h"

namespace daybook::cdc {

using internal::KeyOfRowId;
using internal::RowId;
using internal::StoredRow;
using internal::TableOfRowId;
using Stage = SnapshotCheck::Stage;

namespace {

// First byte of a key of the table cdc.state.
constexpr char kSnapshotEntry = 's';

// How the stage is stored. An entry of an earlier version has none: nothing is known of its tables.
enum StoredStage : std::uint64_t { kStoredReading = 1, kStoredEnded = 2, kStoredComplete = 3 };

absl::Status Damaged() { return absl::DataLossError("the gateway's stored snapshot position cannot be read"); }

}  // namespace

std::string_view StageName(Stage stage) {
  switch (stage) {
    case Stage::kNone:
      return "none";
    case Stage::kReading:
      return "reading";
    case Stage::kEnded:
      return "ended";
    case Stage::kChecked:
      return "checked";
  }
  return "";
}

absl::Status Gateway::Impl::LoadSnapshot() {
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> stored,
                           kv->Get(state_table, std::string(1, kSnapshotEntry)));
  if (!stored) return absl::OkStatus();
  std::string_view in = *stored;
  if (!ConsumeVarint(in, snapshot.lsn)) return Damaged();
  if (in.empty()) return absl::OkStatus();
  std::uint64_t stage = 0;
  std::uint64_t tables = 0;
  if (!ConsumeVarint(in, stage) || !ConsumeVarint(in, tables)) return Damaged();
  for (; tables > 0; --tables) {
    std::uint64_t table = 0;
    if (!ConsumeVarint(in, table) || table >= catalog.tables().size()) return Damaged();
    snapshot.tables.insert(static_cast<int>(table));
  }
  if (stage < kStoredReading || stage > kStoredComplete) return Damaged();
  if (stage == kStoredReading) snapshot.stage = Stage::kReading;
  if (stage == kStoredComplete) snapshot.stage = Stage::kChecked;
  if (stage == kStoredEnded) BeginLook();
  return absl::OkStatus();
}

void Gateway::Impl::AppendSnapshot(store::WriteBatch& batch) {
  if (snapshot.stored) return;
  snapshot.stored = true;
  StoredStage stage = kStoredReading;
  if (snapshot.stage == Stage::kEnded) stage = kStoredEnded;
  if (snapshot.stage == Stage::kChecked) {
    // What is missing is looked for again at the next start, so that it is known by name then too.
    stage = snapshot.missing == 0 && snapshot.without_rows.empty() ? kStoredComplete : kStoredEnded;
  }
  std::string value;
  AppendVarint(value, snapshot.lsn);
  AppendVarint(value, stage);
  AppendVarint(value, snapshot.tables.size());
  for (const int table : snapshot.tables) AppendVarint(value, static_cast<std::uint64_t>(table));
  batch.Put(state_table, std::string(1, kSnapshotEntry), value);
}

void Gateway::Impl::NoteSnapshot(const Change& c) {
  if (c.snapshot == SnapshotPhase::kIncremental || !c.lsn) return;
  if (c.snapshot == SnapshotPhase::kNone) {
    // The connector streams again. In a partition that is behind lie changes from before the snapshot; they are older.
    if (snapshot.stage == Stage::kReading && *c.lsn > snapshot.lsn) EndSnapshot();
    return;
  }
  if (*c.lsn < snapshot.lsn) return;
  if (*c.lsn > snapshot.lsn) {
    snapshot = FullSnapshot();
    snapshot.lsn = *c.lsn;
    snapshot.stage = Stage::kReading;
    snapshot.stored = false;
  }
  if (snapshot.stage == Stage::kNone) return;  // an earlier version has read a part of it
  const bool is_new_table = snapshot.tables.insert(c.table).second;
  if (is_new_table) snapshot.stored = false;
  if (snapshot.stage == Stage::kReading) {
    if (c.snapshot == SnapshotPhase::kLast) EndSnapshot();
  } else if (snapshot.stage == Stage::kEnded || is_new_table) {
    EndSnapshot();  // not all of it had been read
  }
}

void Gateway::Impl::EndSnapshot() {
  BeginLook();
  snapshot.stored = false;
}

void Gateway::Impl::BeginLook() {
  snapshot.stage = Stage::kEnded;
  snapshot.ended_at = now;
  snapshot.looked_to.clear();
  snapshot.missing = 0;
  snapshot.named.clear();
  snapshot.without_rows.clear();
  snapshot.shown = false;
}

// True if it was among the rows that are missing by name.
bool Gateway::Impl::TakeOffMissing(int table, std::string_view key) {
  if (snapshot.named.empty() || snapshot.named.erase(RowId(table, key)) == 0) return false;
  --snapshot.missing;
  snapshot.shown = false;
  if (snapshot.stage != Stage::kChecked) return true;
  if (snapshot.missing == 0) {
    snapshot.stored = false;
  } else if (snapshot.named.empty()) {
    BeginLook();  // for the names of the others
  }
  return true;
}

absl::StatusOr<bool> Gateway::Impl::Look(std::size_t rows_max) {
  if (snapshot.stage != Stage::kEnded) return true;
  std::string begin = snapshot.looked_to;
  if (!begin.empty()) begin.push_back('\0');
  const std::unique_ptr<store::KeyValueCursor> cursor = kv->Scan(rows_table, begin, "");
  StoredRow row;
  for (; rows_max > 0; --rows_max) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) {
      EndLook();
      return true;
    }
    const std::string_view id = cursor->key();
    if (id.size() < 2 || TableOfRowId(id) >= static_cast<int>(catalog.tables().size()) ||
        !internal::DecodeRow(cursor->value(), row)) {
      return absl::DataLossError("a stored row of the gateway cannot be read: start with an empty gateway directory");
    }
    snapshot.looked_to = std::string(id);
    if (!row.exists || !row.Visible() || row.lsn >= snapshot.lsn || row.snapshot_lsn >= snapshot.lsn) continue;
    if (!snapshot.tables.contains(TableOfRowId(id))) {
      snapshot.without_rows.insert(TableOfRowId(id));
      continue;
    }
    ++snapshot.missing;
    if (snapshot.named.size() < SnapshotCheck::kRowsNamedMax) snapshot.named.emplace(id);
  }
  return false;
}

void Gateway::Impl::EndLook() {
  snapshot.stage = Stage::kChecked;
  snapshot.looked_to.clear();
  snapshot.stored = false;
  snapshot.shown = false;
}

SnapshotCheck Gateway::Impl::ShownSnapshot() const {
  SnapshotCheck check;
  check.stage = snapshot.stage;
  check.lsn = snapshot.lsn;
  if (snapshot.stage != Stage::kChecked) return check;
  check.missing = snapshot.missing;
  const std::vector<Table>& tables = catalog.tables();
  for (const std::string& id : snapshot.named) {
    check.rows.push_back(
        absl::StrCat(tables[static_cast<std::size_t>(TableOfRowId(id))].name, " ", KeyText(KeyOfRowId(id))));
  }
  for (const int table : snapshot.without_rows) {
    check.tables_without_rows.push_back(tables[static_cast<std::size_t>(table)].name);
  }
  return check;
}

std::optional<absl::Duration> Gateway::SnapshotEndedAt() const {
  if (impl_->snapshot.stage != Stage::kEnded) return std::nullopt;
  return impl_->snapshot.ended_at;
}

absl::StatusOr<bool> Gateway::CheckSnapshot(std::size_t rows_max) {
  Impl& g = *impl_;
  DAYBOOK_RETURN_IF_ERROR(g.failed);
  g.now = g.options.clock->Monotonic();
  const absl::StatusOr<bool> done = g.Look(rows_max);
  if (!done.ok()) return g.Fail(done.status());
  if (absl::Status s = g.Commit(); !s.ok()) return g.Fail(s);
  g.UpdateCounters();
  return done;
}

SnapshotCheck Gateway::snapshot_check() const {
  absl::MutexLock lock(&impl_->mu);
  return impl_->published_snapshot;
}

}  // namespace daybook::cdc
