#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/cdc/internal/gateway_impl.h"

namespace daybook::cdc {

using internal::RowId;
using internal::StoredRow;

namespace {

// PostgreSQL moves values out of line, and so leaves them out of updates, from about this size on (rule R9).
constexpr std::size_t kOutOfLineBytes = 2000;
constexpr int kBytesPerCharacterMax = 4;

}  // namespace

Gateway::Impl::Cause Gateway::Impl::CauseOf(const Change& c) const {
  Cause cause;
  cause.source_time_us = c.source_time_us;
  if (c.mark && options.transactions == TransactionMode::kMetadata &&
      !transactions->WasCompleted(c.mark->transaction)) {
    cause.transaction = c.mark->transaction;
    cause.debounced = false;
  }
  return cause;
}

absl::Status Gateway::Impl::Handle(const Record& record) {
  const absl::Status parsed = parser.Parse(record, change);
  replayed = !options.replay_topic.empty() && record.topic == options.replay_topic;
  if (replayed) {
    ++count.replayed;
    change.mark.reset();
  }
  const bool counts = change.mark && change.table >= 0 && options.transactions == TransactionMode::kMetadata;
  if (!parsed.ok()) {
    ++count.dead_letters;
    SetLetterAside(record, parsed);
    // Its transaction must not wait for it.
    if (counts && !transactions->WasCompleted(change.mark->transaction)) {
      transactions->Arrived(*change.mark, change.table, "", now);
    }
    return absl::OkStatus();
  }
  switch (change.kind) {
    case Change::Kind::kIgnored:
      ++count.ignored;
      return absl::OkStatus();
    case Change::Kind::kTruncate:
      return absl::FailedPreconditionError(absl::StrCat(
          ToAbsl(record.topic), "[", record.partition, "]@", record.offset, ": table ",
          catalog.tables()[static_cast<std::size_t>(change.table)].name,
          " was truncated at the source. Bulk deletes are not applied: check the source, then take a new snapshot into "
          "an empty gateway directory"));
    case Change::Kind::kTransactionEnd:
      if (replayed && !transactions->IsOpen(change.transaction)) return absl::OkStatus();
      if (options.transactions == TransactionMode::kMetadata && !transactions->WasCompleted(change.transaction)) {
        transactions->Ended(change.transaction, change.event_counts, now);
      }
      return absl::OkStatus();
    case Change::Kind::kMessage:
      NoteMessage(change);
      return absl::OkStatus();
    case Change::Kind::kRow:
      return ApplyRow(change);
  }
  return absl::OkStatus();
}

void Gateway::Impl::NoteMessage(const Change& c) {
  ++count.ignored;  // it changes no row
  if (!options.describe || !c.mark || options.transactions != TransactionMode::kMetadata) return;
  if (transactions->WasCompleted(c.mark->transaction)) return;
  transactions->Said(*c.mark, {options.describe(c.message_prefix, c.message_content), c.source_time_us}, now);
}

absl::Status Gateway::Impl::ResolvePlaceholders(Change& c, const StoredRow* base, std::vector<int>& unknown) {
  unknown.clear();
  const Table& table = catalog.tables()[static_cast<std::size_t>(c.table)];
  for (const int column : c.placeholders) {
    const int length = table.columns[static_cast<std::size_t>(column)].max_characters;
    if (length > 0 && static_cast<std::size_t>(length) * kBytesPerCharacterMax <= kOutOfLineBytes) continue;  // literal
    if (base == nullptr || base->values.empty()) {
      unknown.push_back(column);
      continue;
    }
    const Value& stored = base->values[static_cast<std::size_t>(column)];
    const auto* text = std::get_if<std::string>(&stored);
    const bool was_unknown = std::find(base->unknown.begin(), base->unknown.end(), column) != base->unknown.end();
    if (was_unknown) {
      unknown.push_back(column);
    } else if (text != nullptr && text->size() > kOutOfLineBytes) {
      c.values[static_cast<std::size_t>(column)] = stored;
    }
  }
  return absl::OkStatus();
}

absl::Status Gateway::Impl::ApplyRow(Change& c) {
  DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* stored, rows->Find(c.table, c.key));
  newest_source_time_us = std::max(newest_source_time_us, c.source_time_us);
  const bool is_read = c.operation == Operation::kSnapshotRead;
  const bool with_metadata = c.mark && options.transactions == TransactionMode::kMetadata;
  if (!is_read && stored != nullptr && *c.lsn <= stored->lsn) {
    ++count.skipped_by_lsn;
    // A second delivery: it may complete its transaction, never open one.
    if (with_metadata && transactions->IsOpen(c.mark->transaction)) {
      transactions->Arrived(*c.mark, c.table, "", now);
    }
    return absl::OkStatus();
  }
  // Where it belonged among the row's records is not known any more: what is stored is as new, or newer.
  if (is_read && replayed && stored != nullptr && stored->Seen()) {
    ++count.skipped_by_lsn;
    return absl::OkStatus();
  }
  ++count.applied;
  count.unknown_columns += c.unknown_columns;
  if (!replayed) NoteSnapshot(c);
  const Cause cause = CauseOf(c);
  if (cause.transaction) transactions->Arrived(*c.mark, c.table, RowId(c.table, c.key), now);

  StoredRow row = stored == nullptr ? StoredRow() : *stored;
  // Whatever is said of it after the snapshot was read to its end, it was not deleted before.
  if (TakeOffMissing(c.table, c.key)) row.snapshot_lsn = snapshot.lsn;
  const std::string awaited_by = row.coming_from;
  if (!is_read) {
    row.lsn = *c.lsn;
    row.transaction = c.mark ? c.mark->transaction : 0;
  }
  if (c.operation == Operation::kDelete) {
    DAYBOOK_RETURN_IF_ERROR(ApplyDelete(c, row, cause));
  } else {
    const bool may_be_left_out = c.operation == Operation::kUpdate || c.old_key.has_value();
    if (!c.placeholders.empty() && may_be_left_out) {
      const StoredRow* base = stored;
      if (c.old_key) {
        DAYBOOK_ASSIGN_OR_RETURN(base, rows->Find(c.table, *c.old_key));
      }
      DAYBOOK_RETURN_IF_ERROR(ResolvePlaceholders(c, base, row.unknown));
    } else {
      row.unknown.clear();
    }
    row.exists = true;
    row.held = false;
    row.moved_to.clear();
    row.values = std::move(c.values);
    if (is_read) {
      row.snapshot_lsn = std::max(row.snapshot_lsn, snapshot.lsn);
      if (c.lsn && *c.lsn > row.moved_lsn) row.moved_lsn = 0;  // read after it had left, so it is back
    }
  }
  bool arrived = false;
  if (!awaited_by.empty()) {
    DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* held, rows->Find(c.table, awaited_by));
    arrived = held == nullptr || (c.lsn && *c.lsn >= held->lsn);  // not an older row of the same key
    if (arrived) row.coming_from.clear();
  }
  DAYBOOK_RETURN_IF_ERROR(Replace(c.table, c.key, std::move(row), cause));
  if (c.old_key) DAYBOOK_RETURN_IF_ERROR(LeaveOldKey(c, cause));
  if (arrived) DAYBOOK_RETURN_IF_ERROR(ReleaseHeld(c.table, awaited_by, cause));
  return absl::OkStatus();
}

// A plain delete, or one half of a key change: then the row stays shown until the other half is there.
absl::Status Gateway::Impl::ApplyDelete(const Change& c, StoredRow& row, const Cause& cause) {
  const bool was_visible = row.Visible();
  row.exists = false;
  row.held = false;
  row.unknown.clear();
  row.moved_to = c.new_key.value_or("");
  if (c.new_key && *c.new_key != c.key) {
    DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* next, rows->Find(c.table, *c.new_key));
    if (was_visible && (next == nullptr || next->lsn < *c.lsn)) {
      row.held = true;
      StoredRow awaited = next == nullptr ? StoredRow() : *next;
      awaited.coming_from = c.key;
      DAYBOOK_RETURN_IF_ERROR(Replace(c.table, *c.new_key, std::move(awaited), cause));
      if (cause.transaction) transactions->AddRow(*cause.transaction, RowId(c.table, *c.new_key));
    }
  }
  if (!row.held) row.values.clear();
  return absl::OkStatus();
}

// The new key's record came: the row under the old key is gone, whether or not its own delete has arrived.
absl::Status Gateway::Impl::LeaveOldKey(const Change& c, const Cause& cause) {
  if (*c.old_key == c.key) return absl::OkStatus();
  DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* stored, rows->Find(c.table, *c.old_key));
  if (stored != nullptr && stored->lsn > *c.lsn) return absl::OkStatus();  // it has been taken into use again
  StoredRow old = stored == nullptr ? StoredRow() : *stored;
  if (old.lsn < *c.lsn) {
    old.moved_lsn = std::max(old.moved_lsn, *c.lsn);
    old.moved_to = c.key;
  } else if (old.held) {
    old.held = false;
    old.values.clear();
  } else {
    return absl::OkStatus();
  }
  if (cause.transaction) transactions->AddRow(*cause.transaction, RowId(c.table, *c.old_key));
  return Replace(c.table, *c.old_key, std::move(old), cause);
}

absl::Status Gateway::Impl::ReleaseHeld(int table, std::string_view key, const Cause& cause) {
  DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* stored, rows->Find(table, key));
  if (stored == nullptr || !stored->held) return absl::OkStatus();
  StoredRow row = *stored;
  row.held = false;
  row.values.clear();
  return Replace(table, key, std::move(row), cause);
}

// Stores the row and marks every aggregate in which it is, or was, seen.
absl::Status Gateway::Impl::Replace(int table, std::string_view key, StoredRow row, const Cause& cause) {
  DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* stored, rows->Find(table, key));
  const bool was_visible = stored != nullptr && stored->Visible();
  const bool is_visible = row.Visible();
  const bool same =
      was_visible == is_visible && (!is_visible || (stored->values == row.values && stored->unknown == row.unknown));
  if (!same) {
    if (was_visible) DAYBOOK_RETURN_IF_ERROR(MarkAbove(table, key, stored->values, cause));
    if (is_visible) DAYBOOK_RETURN_IF_ERROR(MarkAbove(table, key, row.values, cause));
  }
  // Known from its new key to be gone already: still a part of its transaction, which the aggregate waits for.
  if (!is_visible && row.exists && cause.transaction) {
    DAYBOOK_RETURN_IF_ERROR(MarkAbove(table, key, row.values, cause));
  }
  return rows->Put(table, key, std::move(row));
}

absl::Status Gateway::Impl::MarkAbove(int table, std::string_view key, const std::vector<Value>& values,
                                      const Cause& cause) {
  bool shared = false;
  for (const int index : catalog.nodes_of(table)) {
    const Catalog::Node& node = catalog.nodes()[static_cast<std::size_t>(index)];
    if (node.parent < 0) {
      MarkAggregate(node.aggregate, key, cause);
      continue;
    }
    if (node.link == Placement::Link::kReference) {
      shared = true;
      continue;
    }
    const Value& owner = values[static_cast<std::size_t>(node.column)];
    if (IsNull(owner)) continue;
    std::string parent_key;
    AppendKeyPart(owner, parent_key);
    const Catalog::Node& parent = catalog.nodes()[static_cast<std::size_t>(node.parent)];
    if (parent.parent < 0) {
      MarkAggregate(node.aggregate, parent_key, cause);
      continue;
    }
    DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* above, rows->Find(parent.table, parent_key));
    if (above == nullptr || !above->Visible()) continue;  // it marks its aggregates itself when it comes
    const std::vector<Value> above_values = above->values;
    DAYBOOK_RETURN_IF_ERROR(MarkAbove(parent.table, parent_key, above_values, cause));
  }
  if (shared) AddFanOut(table, key, cause);
  return absl::OkStatus();
}

void Gateway::Impl::MarkAggregate(int aggregate, std::string_view key, const Cause& cause) {
  const std::string id = RowId(aggregate, key);
  const auto [it, inserted] = dirty.try_emplace(id);
  Dirty& entry = it->second;
  entry.source_time_us = std::max(entry.source_time_us, cause.source_time_us);
  entry.said.Take(cause.said);
  if (cause.transaction && transactions->IsOpen(*cause.transaction)) {
    if (std::find(entry.transactions.begin(), entry.transactions.end(), *cause.transaction) ==
        entry.transactions.end()) {
      entry.transactions.push_back(*cause.transaction);
      dirty_touched.insert(id);
    }
    transactions->AddWaiter(*cause.transaction, id);
  }
  if (cause.debounced) {
    if (!entry.debounced) {
      entry.debounced = true;
      entry.first_change = now;
      dirty_touched.insert(id);
    }
    entry.last_change = now;
    if (!entry.queued) {
      entry.queued = true;
      due.emplace_back(now + options.quiet_period, id);
    }
  } else if (entry.transactions.empty()) {
    ready.push_back(id);
  }
  if (inserted) dirty_touched.insert(id);
}

void Gateway::Impl::AddFanOut(int table, std::string_view key, const Cause& cause) {
  const std::string id = RowId(table, key);
  const auto [it, inserted] = fan_outs.try_emplace(id);
  FanOut& work = it->second;
  if (inserted) {
    fan_out_order.push_back(id);
    work.table = table;
    work.key = std::string(key);
    work.cause = cause;
    work.stored = fan_outs_done.erase(id) > 0;
  } else {
    // From the start again: those already looked at may have been emitted with the image before this one.
    work.cause.debounced = work.cause.debounced || cause.debounced;
    work.cause.source_time_us = std::max(work.cause.source_time_us, cause.source_time_us);
    if (cause.transaction) work.cause.transaction = cause.transaction;
  }
  work.place = 0;
  work.after.clear();
  fan_outs_changed.insert(id);
}

absl::Status Gateway::Impl::RunFanOuts(std::size_t rows_max) {
  std::size_t budget = rows_max;
  for (std::size_t left = fan_out_order.size(); left > 0 && budget > 0; --left) {
    const std::string id = std::move(fan_out_order.front());
    fan_out_order.pop_front();
    const auto found = fan_outs.find(std::string_view(id));
    if (found == fan_outs.end()) continue;
    // A row changed by an open transaction is marked upwards once that is complete: whoever reads it before waits too.
    const std::vector<std::uint64_t>* open = transactions->OfRow(id);
    if (open != nullptr && !open->empty()) {
      fan_outs_waiting[open->front()].push_back(id);
      continue;
    }
    FanOut work = found->second;
    bool finished = false;
    DAYBOOK_RETURN_IF_ERROR(RunFanOut(work, budget, finished));
    if (finished) {
      if (work.stored) fan_outs_done.insert(id);
      fan_outs.erase(std::string_view(id));
    } else {
      fan_outs_changed.insert(id);
      fan_outs.insert_or_assign(id, std::move(work));
      fan_out_order.push_front(id);
    }
  }
  return absl::OkStatus();
}

absl::Status Gateway::Impl::RunFanOut(FanOut& work, std::size_t& budget, bool& finished) {
  const std::vector<int>& places = catalog.nodes_of(work.table);
  Cause cause = work.cause;
  cause.transaction.reset();
  std::vector<std::string> keys;
  for (; work.place < static_cast<int>(places.size()); ++work.place, work.after.clear()) {
    const Catalog::Node& node = catalog.nodes()[static_cast<std::size_t>(places[static_cast<std::size_t>(work.place)])];
    if (node.parent < 0 || node.link != Placement::Link::kReference) continue;
    const Catalog::Node& parent = catalog.nodes()[static_cast<std::size_t>(node.parent)];
    while (true) {
      if (budget == 0) return absl::OkStatus();
      const std::size_t wanted = std::min(budget, std::size_t{256});
      DAYBOOK_RETURN_IF_ERROR(rows->FindByForeignKey(node.foreign_key, work.key, work.after, wanted, keys));
      budget -= std::min(budget, keys.size() + 1);
      for (const std::string& key : keys) {
        DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* row, rows->Find(parent.table, key));
        if (row == nullptr || !row->Visible()) continue;
        const std::vector<Value> values = row->values;
        DAYBOOK_RETURN_IF_ERROR(MarkAbove(parent.table, key, values, cause));
      }
      if (keys.size() < wanted) break;
      work.after = keys.back();
    }
  }
  finished = true;
  return absl::OkStatus();
}

}  // namespace daybook::cdc
