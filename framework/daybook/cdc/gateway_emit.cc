#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/status.h"
#include "daybook/base/uuid_source.h"
#include "daybook/cdc/internal/gateway_impl.h"

namespace daybook::cdc {

using internal::KeyOfRowId;
using internal::RowId;
using internal::StoredRow;
using internal::TableOfRowId;

namespace {

// Name space of command ids: any fixed one, different from those of aggregates.
const Uuid& CommandNameSpace() {
  static const Uuid id = NameBasedUuid(kUuidNamespaceDns, "gateway-command.daybook");
  return id;
}

}  // namespace

bool Gateway::Impl::IsDue(const Dirty& entry, absl::Duration at) const {
  return flushing || entry.last_change + options.quiet_period <= at || entry.first_change + options.delay_max <= at;
}

void Gateway::Impl::CloseTransactions(const std::vector<std::uint64_t>& ids) {
  for (const std::uint64_t id : ids) {
    if (!transactions->IsOpen(id)) continue;
    ++count.transactions;
    const internal::Transactions::Closed closed = transactions->Close(id);
    for (const std::string& row : closed.rows) {
      const auto found = closed.said.text.empty() ? fan_outs.end() : fan_outs.find(std::string_view(row));
      if (found == fan_outs.end()) continue;
      found->second.cause.said.Take(closed.said);
      fan_outs_changed.insert(row);
    }
    for (const std::string& waiter : closed.waiters) {
      const auto found = dirty.find(std::string_view(waiter));
      if (found == dirty.end()) continue;
      found->second.said.Take(closed.said);
      std::erase(found->second.transactions, id);
      dirty_touched.insert(waiter);
      if (found->second.transactions.empty()) ready.push_back(waiter);
    }
    if (auto waiting = fan_outs_waiting.extract(id); !waiting.empty()) {
      for (std::string& row : waiting.mapped()) fan_out_order.push_back(std::move(row));
    }
  }
}

absl::Status Gateway::Impl::EmitDue(absl::Duration at) {
  std::size_t budget = options.emissions_per_batch_max;
  CloseTransactions(transactions->TakeComplete());
  std::vector<std::uint64_t> overdue;
  if (flushing) {
    overdue = transactions->Open();
  } else if (at - behind_at >= options.transaction_timeout) {
    overdue = transactions->Overdue(at, options.transaction_timeout);
  }
  if (!flushing) count.transactions_timed_out += overdue.size();
  CloseTransactions(overdue);
  DAYBOOK_RETURN_IF_ERROR(RunFanOuts(options.fan_out_chunk));
  DAYBOOK_RETURN_IF_ERROR(EmitReady(budget));
  while (!due.empty() && budget > 0 && (flushing || due.front().first <= at)) {
    const std::string id = std::move(due.front().second);
    due.pop_front();
    const auto found = dirty.find(std::string_view(id));
    if (found == dirty.end()) continue;
    found->second.queued = false;
    if (!found->second.debounced) continue;
    --budget;
    DAYBOOK_RETURN_IF_ERROR(TryEmit(id).status());
  }
  return absl::OkStatus();
}

absl::Status Gateway::Impl::EmitReady(std::size_t& budget) {
  while (!ready.empty() && budget > 0) {
    const std::string id = std::move(ready.front());
    ready.pop_front();
    --budget;
    DAYBOOK_RETURN_IF_ERROR(TryEmit(id).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<Gateway::Impl::Attempt> Gateway::Impl::TryEmit(const std::string& id) {
  const auto found = dirty.find(std::string_view(id));
  if (found == dirty.end()) return Attempt::kDone;
  Dirty& entry = found->second;
  std::erase_if(entry.transactions, [this](std::uint64_t t) { return !transactions->IsOpen(t); });
  if (!entry.transactions.empty()) return Attempt::kWaits;
  if (entry.debounced && !IsDue(entry, now)) {
    if (!entry.queued) {
      entry.queued = true;
      due.emplace_back(std::min(entry.last_change + options.quiet_period, entry.first_change + options.delay_max), id);
    }
    return Attempt::kWaits;
  }
  return Emit(id, entry);
}

// Rows of an aggregate as a tree; `assembly` says what stands in the way of using it.
absl::StatusOr<RowTree> Gateway::Impl::Assemble(int node_index, std::string_view key, const StoredRow& row,
                                                Assembly& assembly) {
  const Catalog::Node& node = catalog.nodes()[static_cast<std::size_t>(node_index)];
  RowTree tree{RowView(&catalog.tables()[static_cast<std::size_t>(node.table)], &row.values), {}};
  const std::string id = RowId(node.table, key);
  assembly.versions.append(id);
  AppendVarint(assembly.versions, row.lsn);
  assembly.incomplete = assembly.incomplete || !row.unknown.empty();
  if (const std::vector<std::uint64_t>* open = transactions->OfRow(id); open != nullptr) {
    assembly.blocking.insert(assembly.blocking.end(), open->begin(), open->end());
  }
  tree.below.reserve(node.below.size());
  for (const int below : node.below) {
    auto& [name, found] =
        tree.below.emplace_back(catalog.nodes()[static_cast<std::size_t>(below)].name, std::vector<RowTree>());
    DAYBOOK_RETURN_IF_ERROR(AssemblePlacement(below, key, row, assembly, found));
  }
  return tree;
}

absl::Status Gateway::Impl::AssemblePlacement(int node_index, std::string_view parent_key, const StoredRow& parent,
                                              Assembly& assembly, std::vector<RowTree>& out) {
  const Catalog::Node& node = catalog.nodes()[static_cast<std::size_t>(node_index)];
  if (node.link == Placement::Link::kReference) {
    const Value& target = parent.values[static_cast<std::size_t>(node.column)];
    if (IsNull(target)) return absl::OkStatus();
    std::string key;
    AppendKeyPart(target, key);
    DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* row, rows->Find(node.table, key));
    if (row == nullptr || !row->Visible()) {
      if (assembly.missing.empty()) {
        assembly.missing = absl::StrCat(catalog.tables()[static_cast<std::size_t>(node.table)].name, " ", KeyText(key));
      }
      return absl::OkStatus();
    }
    DAYBOOK_ASSIGN_OR_RETURN(RowTree tree, Assemble(node_index, key, *row, assembly));
    out.push_back(std::move(tree));
    return absl::OkStatus();
  }
  std::vector<std::string> keys;
  DAYBOOK_RETURN_IF_ERROR(rows->FindByForeignKey(node.foreign_key, parent_key, "", SIZE_MAX, keys));
  out.reserve(keys.size());
  for (const std::string& key : keys) {
    DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* row, rows->Find(node.table, key));
    if (row == nullptr || !row->Visible()) continue;
    const RowView view(&catalog.tables()[static_cast<std::size_t>(node.table)], &row->values);
    if (node.filter && !node.filter(view)) continue;
    DAYBOOK_ASSIGN_OR_RETURN(RowTree tree, Assemble(node_index, key, *row, assembly));
    out.push_back(std::move(tree));
  }
  return absl::OkStatus();
}

absl::StatusOr<Gateway::Impl::Attempt> Gateway::Impl::Emit(const std::string& id, Dirty& entry) {
  const int aggregate = TableOfRowId(id);
  const std::string_view key = KeyOfRowId(id);
  const int root_node = catalog.roots()[static_cast<std::size_t>(aggregate)];
  const int root_table = catalog.nodes()[static_cast<std::size_t>(root_node)].table;
  DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* root, rows->Find(root_table, key));
  if (root == nullptr || !root->Visible()) return EmitGone(id, entry, root);
  if (role == Role::kStandby) {
    // Of which nobody has published anything: whatever its rows say by now, a standby holds it.
    DAYBOOK_ASSIGN_OR_RETURN(const Emitted* state, EmittedOf(id));
    if (state->count == 0) {
      Unpark(id);
      return Hold(id, entry);
    }
  }

  Assembly assembly;
  DAYBOOK_ASSIGN_OR_RETURN(const RowTree tree, Assemble(root_node, key, *root, assembly));
  if (!assembly.blocking.empty()) {  // reads a row of a transaction that is not complete
    for (const std::uint64_t transaction : assembly.blocking) {
      if (std::find(entry.transactions.begin(), entry.transactions.end(), transaction) != entry.transactions.end()) {
        continue;
      }
      entry.transactions.push_back(transaction);
      transactions->AddWaiter(transaction, id);
    }
    dirty_touched.insert(id);
    return Attempt::kWaits;
  }
  if (!assembly.missing.empty() || assembly.incomplete) {
    Park(id, assembly.missing.empty());
    Settle(id);
    return Attempt::kDone;
  }
  const absl::StatusOr<MappedCommand> mapped =
      options.mappings[static_cast<std::size_t>(aggregate)]->Sync(KeyText(key), tree);
  if (mapped.ok()) {
    const Origin origin{entry.source_time_us, entry.said.text};
    DAYBOOK_ASSIGN_OR_RETURN(const Sending sending, Send(id, *mapped, assembly.versions, true, origin));
    return Finish(id, sending);
  }
  ++count.dead_letters;
  dead_letters.AddAggregate(catalog.aggregates()[static_cast<std::size_t>(aggregate)].name, KeyText(key),
                            mapped.status(), options.clock->Now());
  return Finish(id, Sending::kSettled);
}

Gateway::Impl::Attempt Gateway::Impl::Finish(const std::string& id, Sending sending) {
  Unpark(id);
  if (sending == Sending::kSettled) {
    Settle(id);
    return Attempt::kDone;
  }
  return Hold(id, dirty.find(std::string_view(id))->second);
}

// Looked at again when it changes, when its command is read back, or when this gateway becomes the active one.
Gateway::Impl::Attempt Gateway::Impl::Hold(const std::string& id, Dirty& entry) {
  entry.debounced = false;
  held.insert(id);
  dirty_touched.insert(id);
  return Attempt::kWaits;
}

absl::StatusOr<Gateway::Impl::Attempt> Gateway::Impl::EmitGone(const std::string& id, Dirty& entry,
                                                               const StoredRow* root) {
  const int aggregate = TableOfRowId(id);
  const std::string_view key = KeyOfRowId(id);
  const Origin origin{entry.source_time_us, entry.said.text};
  DAYBOOK_ASSIGN_OR_RETURN(const Emitted* state, EmittedOf(id));
  const bool never_seen = root == nullptr || !root->Seen();
  // What was published of a row that never came here is no deletion: the topics may have lost it.
  if (!state->exists || (never_seen && role == Role::kActive)) {
    bool waiting = state->exists;
    if (never_seen && !waiting) {
      DAYBOOK_ASSIGN_OR_RETURN(waiting, HasChildren(aggregate, key));
    }
    if (waiting) {
      Park(id, false);
    } else {
      Unpark(id);
    }
    Settle(id);
    return Attempt::kDone;
  }
  if (root != nullptr && !root->moved_to.empty() && !flushing && role == Role::kActive) {
    // A key change: the new one is told of before, or with, the old one's end.
    const std::string next = RowId(aggregate, root->moved_to);
    const int root_table =
        catalog.nodes()[static_cast<std::size_t>(catalog.roots()[static_cast<std::size_t>(aggregate)])].table;
    DAYBOOK_ASSIGN_OR_RETURN(const StoredRow* next_root, rows->Find(root_table, root->moved_to));
    if (next_root != nullptr && next_root->Visible()) {
      DAYBOOK_RETURN_IF_ERROR(TryEmit(next).status());
      DAYBOOK_ASSIGN_OR_RETURN(const Emitted* next_state, EmittedOf(next));
      if (!next_state->exists) {
        const auto again = dirty.find(std::string_view(id));
        if (again == dirty.end()) return Attempt::kDone;
        again->second.debounced = true;
        again->second.first_change = again->second.last_change = now;
        again->second.queued = true;
        due.emplace_back(now + options.quiet_period, id);
        return Attempt::kWaits;
      }
    }
  }
  std::string versions(id);
  AppendVarint(versions, root == nullptr ? 0 : std::max(root->lsn, root->moved_lsn));
  const MappedCommand forget = options.mappings[static_cast<std::size_t>(aggregate)]->Forget(KeyText(key));
  DAYBOOK_ASSIGN_OR_RETURN(const Sending sending, Send(id, forget, versions, false, origin));
  return Finish(id, sending);
}

// Rule R5. The id names content and versions, and the number of the emission, so that two emissions never share one.
absl::StatusOr<Gateway::Impl::Sending> Gateway::Impl::Send(const std::string& id, const MappedCommand& mapped,
                                                           std::string_view versions, bool exists,
                                                           const Origin& origin) {
  DAYBOOK_ASSIGN_OR_RETURN(Emitted * state, EmittedOf(id));
  const std::array<std::uint8_t, 16> hash = Hash128(absl::StrCat(mapped.type, ":", mapped.payload));
  if (state->count > 0 && state->exists == exists && (!exists || state->hash == hash)) {
    ++count.suppressed;
    return Sending::kSettled;
  }
  if (role == Role::kStandby) return Sending::kHeld;
  ++state->count;
  state->exists = exists;
  state->hash = hash;
  if (!state->changed) {
    state->changed = true;
    emitted_changed.push_back(id);
  }
  Command command;
  command.stream = options.mappings[static_cast<std::size_t>(TableOfRowId(id))]->Stream(KeyText(KeyOfRowId(id)));
  std::string name = command.stream.text();
  name.push_back('\0');
  name.append(versions);
  name.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  AppendVarint(name, state->count);
  command.id = CommandId(NameBasedUuid(CommandNameSpace(), name));
  command.type = mapped.type;
  command.payload = mapped.payload;
  command.source_time = Timestamp::FromMicros(origin.source_time_us);
  command.source_change = origin.said;
  command.aggregate = id;
  command.emission = state->count;
  outbox->Add(std::move(command));
  ++count.commands;
  return Sending::kSettled;
}

absl::StatusOr<bool> Gateway::Impl::HasChildren(int aggregate, std::string_view key) {
  std::vector<std::string> keys;
  const Catalog::Node& root =
      catalog.nodes()[static_cast<std::size_t>(catalog.roots()[static_cast<std::size_t>(aggregate)])];
  for (const int below : root.below) {
    const Catalog::Node& node = catalog.nodes()[static_cast<std::size_t>(below)];
    if (node.link != Placement::Link::kChild) continue;
    DAYBOOK_RETURN_IF_ERROR(rows->FindByForeignKey(node.foreign_key, key, "", 1, keys));
    if (!keys.empty()) return true;
  }
  return false;
}

absl::StatusOr<Gateway::Impl::Emitted*> Gateway::Impl::EmittedOf(const std::string& id) {
  const auto [it, inserted] = emitted.try_emplace(id);
  if (!inserted) return &it->second;
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> stored, kv->Get(aggregates_table, id));
  if (!stored) return &it->second;
  std::string_view in = *stored;
  Emitted& state = it->second;
  if (!ConsumeVarint(in, state.count) || in.size() != 1 + state.hash.size()) {
    return absl::DataLossError("what the gateway stored of an aggregate cannot be read");
  }
  state.exists = in.front() != 0;
  std::copy(in.begin() + 1, in.end(), state.hash.begin());
  return &it->second;
}

void Gateway::Impl::Park(const std::string& id, bool incomplete) {
  const auto [it, inserted] = parked.try_emplace(id);
  if (inserted) it->second.since = options.clock->Now();
  if (!inserted && it->second.incomplete == incomplete) return;
  it->second.incomplete = incomplete;
  parked_touched.insert(id);
}

void Gateway::Impl::Unpark(const std::string& id) {
  if (parked.erase(std::string_view(id)) > 0) parked_touched.insert(id);
}

void Gateway::Impl::Settle(const std::string& id) {
  dirty.erase(std::string_view(id));
  held.erase(std::string_view(id));
  dirty_touched.insert(id);
}

// Rule R3: what waits for too long is reported, and goes on waiting.
void Gateway::Impl::ReportLongParked() {
  if (options.parked_ttl == absl::InfiniteDuration() || now - parked_checked < absl::Seconds(1)) return;
  parked_checked = now;
  const Timestamp at = options.clock->Now();
  for (auto& [id, entry] : parked) {
    if (entry.reported || absl::Microseconds(at.micros() - entry.since.micros()) < options.parked_ttl) continue;
    entry.reported = true;
    parked_touched.insert(id);
    ++count.dead_letters;
    dead_letters.AddAggregate(
        catalog.aggregates()[static_cast<std::size_t>(TableOfRowId(id))].name, KeyText(KeyOfRowId(id)),
        absl::DeadlineExceededError("a row that it refers to, or its root row, has not arrived"), at);
  }
}

}  // namespace daybook::cdc
