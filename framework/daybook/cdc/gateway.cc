#include "daybook/cdc/gateway.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/status.h"
#include "daybook/cdc/internal/gateway_impl.h"

namespace daybook::cdc {

using internal::KeyOfRowId;
using internal::TableOfRowId;

namespace {

constexpr char kFormat = 1;
constexpr std::size_t kCachedAggregatesMax = 100'000;

// First bytes of the keys of the table cdc.state; 'c', 't', 'x' and 'y' are Transactions', 's' is the snapshot's, 'w'
// the shared work's.
constexpr char kFormatEntry = 'm';
constexpr char kPositionEntry = 'p';
constexpr char kDirtyEntry = 'd';
constexpr char kParkedEntry = 'k';
constexpr char kFanOutEntry = 'f';
constexpr char kBadLineEntry = 'b';
constexpr char kLetterSeenEntry = 'l';

std::string StateKey(char kind, std::string_view rest) {
  std::string key(1, kind);
  key.append(rest);
  return key;
}

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat("the gateway's stored ", ToAbsl(what), " cannot be read"));
}

void AppendSaid(const internal::SaidChange& said, std::string& out) {
  AppendLengthPrefixed(out, said.text);
  AppendVarint(out, static_cast<std::uint64_t>(said.time_us));
}

// True for nothing at all too: earlier versions wrote none.
bool ConsumeSaid(std::string_view& in, internal::SaidChange& said) {
  if (in.empty()) return true;
  std::string_view text;
  std::uint64_t time = 0;
  if (!ConsumeLengthPrefixed(in, text) || !ConsumeVarint(in, time)) return false;
  said = {std::string(text), static_cast<std::int64_t>(time)};
  return true;
}

// Calls `use` with key (less its first byte) and value of every entry of a kind.
template <class F>
absl::Status ForEach(const store::KeyValueReader& reader, store::TableId table, char kind, F use) {
  const std::string prefix(1, kind);
  const auto cursor = reader.Scan(table, prefix, store::PrefixEnd(prefix));
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(const bool more, cursor->Next());
    if (!more) return absl::OkStatus();
    DAYBOOK_RETURN_IF_ERROR(use(cursor->key().substr(1), cursor->value()));
  }
}

}  // namespace

Gateway::Impl::Impl(GatewayOptions o, store::KeyValue* k)
    : options(std::move(o)),
      catalog(options.catalog),
      kv(k),
      parser(&options.catalog, {options.unavailable_value}),
      dead_letters(options.dead_letter_directory, options.name),
      bad_lines(kBadLineEntry, options.bad_lines_max),
      role(options.role),
      letters_seen(kLetterSeenEntry, options.letters_seen_max) {}

absl::Status Gateway::Impl::OpenTables() {
  DAYBOOK_ASSIGN_OR_RETURN(rows_table, kv->OpenTable("cdc.rows"));
  DAYBOOK_ASSIGN_OR_RETURN(index_table, kv->OpenTable("cdc.index"));
  DAYBOOK_ASSIGN_OR_RETURN(state_table, kv->OpenTable("cdc.state"));
  DAYBOOK_ASSIGN_OR_RETURN(aggregates_table, kv->OpenTable("cdc.aggregates"));
  DAYBOOK_ASSIGN_OR_RETURN(outbox_table, kv->OpenTable("cdc.outbox"));
  std::string mine(1, kFormat);
  AppendBigEndian64(mine, catalog.Fingerprint());
  const std::string key(1, kFormatEntry);
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> stored, kv->Get(state_table, key));
  if (!stored) {
    store::WriteBatch batch;
    batch.Put(state_table, key, mine);
    return kv->Write(batch, store::Durability::kSynced);
  }
  if (stored->empty() || stored->front() != kFormat) {
    return absl::FailedPreconditionError("the gateway's data is of another format: start with an empty directory");
  }
  if (*stored != mine) {
    return absl::FailedPreconditionError(
        "the captured tables are declared differently from when the gateway's data was written: start with an empty "
        "gateway directory and a new snapshot");
  }
  return absl::OkStatus();
}

absl::Status Gateway::Impl::Load(CommandSink* sink) {
  now = options.clock->Monotonic();
  rows = std::make_unique<internal::RowStore>(&catalog, kv, rows_table, index_table);
  using Messages = internal::Transactions::Messages;
  transactions = std::make_unique<internal::Transactions>(&catalog, state_table,
                                                          options.describe ? Messages::kCounted : Messages::kIgnored);
  outbox = std::make_unique<internal::Outbox>(kv, outbox_table, sink, options.clock, &dead_letters,
                                              options.commands_in_flight_max);
  DAYBOOK_RETURN_IF_ERROR(outbox->Load());
  DAYBOOK_RETURN_IF_ERROR(transactions->Load(*kv, now));
  DAYBOOK_RETURN_IF_ERROR(ForEach(*kv, state_table, kPositionEntry, [&](std::string_view key, std::string_view value) {
    std::uint64_t offset = 0;
    std::uint64_t timestamp = 0;  // not written by earlier versions
    if (key.size() < 5 || !ConsumeVarint(value, offset)) return Damaged("input position");
    if (!value.empty() && !ConsumeVarint(value, timestamp)) return Damaged("input position");
    positions.emplace(std::string(key), Place{static_cast<std::int64_t>(offset), static_cast<std::int64_t>(timestamp)});
    return absl::OkStatus();
  }));
  DAYBOOK_RETURN_IF_ERROR(bad_lines.Load(*kv, state_table));
  DAYBOOK_RETURN_IF_ERROR(LoadSnapshot());
  DAYBOOK_RETURN_IF_ERROR(LoadShared());
  return LoadAggregates();
}

absl::Status Gateway::Impl::LoadAggregates() {
  DAYBOOK_RETURN_IF_ERROR(ForEach(*kv, state_table, kDirtyEntry, [&](std::string_view key, std::string_view value) {
    std::uint64_t debounced = 0;
    std::uint64_t time = 0;
    std::uint64_t ids = 0;
    if (key.size() < 2 || TableOfRowId(key) >= static_cast<int>(catalog.aggregates().size()) ||
        !ConsumeVarint(value, debounced) || !ConsumeVarint(value, time) || !ConsumeVarint(value, ids)) {
      return Damaged("changed aggregate");
    }
    const std::string id(key);
    Dirty& entry = dirty[id];
    dirty_stored.insert(id);
    entry.source_time_us = static_cast<std::int64_t>(time);
    entry.debounced = debounced != 0;
    entry.first_change = entry.last_change = now;
    for (; ids > 0; --ids) {
      std::uint64_t transaction = 0;
      if (!ConsumeVarint(value, transaction)) return Damaged("changed aggregate");
      if (!transactions->IsOpen(transaction)) continue;
      entry.transactions.push_back(transaction);
      transactions->AddWaiter(transaction, id);
    }
    if (!ConsumeSaid(value, entry.said)) return Damaged("changed aggregate");
    if (entry.debounced) {
      entry.queued = true;
      due.emplace_back(now + options.quiet_period, id);
    } else if (entry.transactions.empty()) {
      ready.push_back(id);
    }
    return absl::OkStatus();
  }));
  DAYBOOK_RETURN_IF_ERROR(ForEach(*kv, state_table, kParkedEntry, [&](std::string_view key, std::string_view value) {
    std::uint64_t since = 0;
    std::uint64_t flags = 0;
    if (key.size() < 2 || !ConsumeVarint(value, since) || !ConsumeVarint(value, flags)) {
      return Damaged("parked aggregate");
    }
    parked[std::string(key)] = {Timestamp::FromMicros(static_cast<std::int64_t>(since)), (flags & 1) != 0,
                                (flags & 2) != 0};
    return absl::OkStatus();
  }));
  return ForEach(*kv, state_table, kFanOutEntry, [&](std::string_view key, std::string_view value) {
    std::uint64_t place = 0;
    std::uint64_t debounced = 0;
    std::uint64_t time = 0;
    std::string_view after;
    if (key.size() < 2 || !ConsumeVarint(value, place) || !ConsumeLengthPrefixed(value, after) ||
        !ConsumeVarint(value, debounced) || !ConsumeVarint(value, time)) {
      return Damaged("fan-out");
    }
    FanOut& work = fan_outs[std::string(key)];
    work.table = TableOfRowId(key);
    work.key = std::string(KeyOfRowId(key));
    work.place = static_cast<int>(place);
    work.after = std::string(after);
    work.cause.debounced = debounced != 0;
    work.cause.source_time_us = static_cast<std::int64_t>(time);
    if (!ConsumeSaid(value, work.cause.said)) return Damaged("fan-out");
    work.stored = true;
    fan_out_order.emplace_back(key);
    return absl::OkStatus();
  });
}

std::string* Gateway::Impl::PositionOf(const Record& record) {
  position_key.assign(record.topic);
  AppendBigEndian32(position_key, static_cast<std::uint32_t>(record.partition));
  return &position_key;
}

absl::Status Gateway::Impl::IngestBatch(std::span<const Record> records) {
  for (const Record& record : records) {
    ++count.records;
    const std::string& key = *PositionOf(record);
    auto position = positions.find(std::string_view(key));
    if (position != positions.end() && record.offset <= position->second.offset) {
      ++count.skipped_by_offset;
      continue;
    }
    DAYBOOK_RETURN_IF_ERROR(Handle(record));
    positions.insert_or_assign(key, Place{record.offset, record.timestamp_ms});
    positions_changed.insert(key);
  }
  return absl::OkStatus();
}

void Gateway::Impl::AppendState(store::WriteBatch& batch) {
  std::string value;
  for (const std::string& key : positions_changed) {
    const Place& place = positions.find(std::string_view(key))->second;
    value.clear();
    AppendVarint(value, static_cast<std::uint64_t>(place.offset));
    AppendVarint(value, static_cast<std::uint64_t>(place.timestamp_ms));
    batch.Put(state_table, StateKey(kPositionEntry, key), value);
  }
  positions_changed.clear();
  for (const std::string& key : positions_forgotten) batch.Delete(state_table, StateKey(kPositionEntry, key));
  positions_forgotten.clear();
  bad_lines.AppendTo(state_table, batch);
  AppendSnapshot(batch);
  for (const std::string& id : dirty_touched) {
    const auto found = dirty.find(std::string_view(id));
    if (found == dirty.end()) {
      if (dirty_stored.erase(std::string_view(id)) > 0) batch.Delete(state_table, StateKey(kDirtyEntry, id));
      continue;
    }
    value.clear();
    AppendVarint(value, found->second.debounced ? 1 : 0);
    AppendVarint(value, static_cast<std::uint64_t>(found->second.source_time_us));
    AppendVarint(value, found->second.transactions.size());
    for (const std::uint64_t transaction : found->second.transactions) AppendVarint(value, transaction);
    AppendSaid(found->second.said, value);
    batch.Put(state_table, StateKey(kDirtyEntry, id), value);
    dirty_stored.insert(id);
  }
  dirty_touched.clear();
  for (const std::string& id : parked_touched) {
    const auto found = parked.find(std::string_view(id));
    if (found == parked.end()) {
      batch.Delete(state_table, StateKey(kParkedEntry, id));
      continue;
    }
    value.clear();
    AppendVarint(value, static_cast<std::uint64_t>(found->second.since.micros()));
    AppendVarint(value, (found->second.incomplete ? 1U : 0U) | (found->second.reported ? 2U : 0U));
    batch.Put(state_table, StateKey(kParkedEntry, id), value);
  }
  parked_touched.clear();
  AppendFanOuts(batch);
  for (const std::string& id : emitted_changed) {
    Emitted& state = emitted.find(std::string_view(id))->second;
    state.changed = false;
    value.clear();
    AppendVarint(value, state.count);
    value.push_back(state.exists ? 1 : 0);
    value.append(reinterpret_cast<const char*>(state.hash.data()), state.hash.size());
    batch.Put(aggregates_table, id, value);
  }
  emitted_changed.clear();
}

void Gateway::Impl::AppendFanOuts(store::WriteBatch& batch) {
  std::string value;
  for (const std::string& id : fan_outs_done) batch.Delete(state_table, StateKey(kFanOutEntry, id));
  fan_outs_done.clear();
  for (const std::string& id : fan_outs_changed) {
    const auto found = fan_outs.find(std::string_view(id));
    if (found == fan_outs.end()) continue;
    FanOut& work = found->second;
    work.stored = true;
    value.clear();
    AppendVarint(value, static_cast<std::uint64_t>(work.place));
    AppendLengthPrefixed(value, work.after);
    AppendVarint(value, work.cause.debounced ? 1 : 0);
    AppendVarint(value, static_cast<std::uint64_t>(work.cause.source_time_us));
    AppendSaid(work.cause.said, value);
    batch.Put(state_table, StateKey(kFanOutEntry, id), value);
  }
  fan_outs_changed.clear();
}

// Everything since the last commit, at once; on the disk if that is all that knows of its commands. A dead letter is
// durable before the position moves past its record.
absl::Status Gateway::Impl::Commit() {
  DAYBOOK_RETURN_IF_ERROR(dead_letters.Sync());
  const bool forgets_positions = !positions_forgotten.empty();
  store::WriteBatch batch;
  rows->AppendTo(batch);
  transactions->AppendTo(batch);
  AppendShared(batch);
  AppendState(batch);
  outbox->AppendTo(batch);
  if (batch.empty()) return absl::OkStatus();
  // The rest may be lost with the machine: rows are read again behind the positions that survive, and a removal that
  // comes back publishes its command once more, or is read back.
  const bool sync = forgets_positions || outbox->NeedsSync();
  DAYBOOK_RETURN_IF_ERROR(kv->Write(batch, sync ? store::Durability::kSynced : store::Durability::kUnsynced));
  rows->Committed();
  outbox->Committed();
  if (emitted.size() > kCachedAggregatesMax) emitted.clear();
  return absl::OkStatus();
}

absl::Status Gateway::Impl::PublishOutbox() {
  if (role == Role::kActive) return outbox->Publish();
  outbox->TakeAnswers();
  return absl::OkStatus();
}

absl::Status Gateway::Impl::Fail(const absl::Status& status) {
  failed = Annotate(status, absl::StrCat("gateway ", options.name));
  return failed;
}

void Gateway::Impl::UpdateCounters() {
  count.published = outbox->published();
  count.outbox = outbox->size();
  count.dirty = dirty.size();
  count.held = held.size();
  count.open_transactions = transactions->size();
  count.parked = parked.size();
  const Timestamp at = options.clock->Now();
  // A first load parks very many for a short time: then now and then is often enough.
  if (parked.size() < 1000 || now - parked_counted >= absl::Seconds(1)) {
    parked_counted = now;
    count.incomplete = 0;
    Timestamp oldest = at;
    for (const auto& [id, entry] : parked) {
      oldest = std::min(oldest, entry.since);
      if (entry.incomplete) ++count.incomplete;
    }
    count.oldest_parked = absl::Microseconds(at.micros() - oldest.micros());
  }
  count.source_lag =
      newest_source_time_us == 0 ? absl::ZeroDuration() : absl::Microseconds(at.micros() - newest_source_time_us);
  count.rows_missing_from_snapshot = snapshot.stage == SnapshotCheck::Stage::kChecked ? snapshot.missing : 0;
  absl::MutexLock lock(&mu);
  if (!std::exchange(snapshot.shown, true)) published_snapshot = ShownSnapshot();
  published_counters = count;
  published_counters.dead_letters += outbox->set_aside();
}

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() = default;

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Open(GatewayOptions options, store::KeyValue* kv, CommandSink* sink) {
  if (options.mappings.size() != options.catalog.aggregates().size()) {
    return absl::InvalidArgumentError("a gateway needs one mapping per aggregate of its catalog");
  }
  auto impl = std::make_unique<Impl>(std::move(options), kv);
  DAYBOOK_RETURN_IF_ERROR(impl->OpenTables());
  DAYBOOK_RETURN_IF_ERROR(impl->Load(sink));
  impl->UpdateCounters();
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

absl::Status Gateway::Ingest(std::span<const Record> records) {
  Impl& g = *impl_;
  DAYBOOK_RETURN_IF_ERROR(g.failed);
  // A standby adds nothing, and what waits there leaves by reading on.
  if (g.role == Role::kActive && g.outbox->size() >= g.options.outbox_commands_max) {
    return absl::ResourceExhaustedError(absl::StrCat("the outbox holds ", g.outbox->size(), " commands"));
  }
  g.now = g.options.clock->Monotonic();
  // A record that stops the input leaves everything before it applied; any other error leaves memory ahead of the
  // store.
  const absl::Status ingested = g.IngestBatch(records);
  if (!ingested.ok() && !absl::IsFailedPrecondition(ingested)) return g.Fail(ingested);
  if (absl::Status s = g.EmitDue(g.now); !s.ok()) return g.Fail(s);
  if (absl::Status s = g.Commit(); !s.ok()) return g.Fail(s);
  if (absl::Status s = g.PublishOutbox(); !s.ok()) return g.Fail(s);
  g.UpdateCounters();
  return ingested;
}

void Gateway::NoteBehind() { impl_->behind_at = impl_->options.clock->Monotonic(); }

absl::Status Gateway::Tick() {
  Impl& g = *impl_;
  DAYBOOK_RETURN_IF_ERROR(g.failed);
  g.now = g.options.clock->Monotonic();
  g.ReportLongParked();
  if (absl::Status s = g.PublishOutbox(); !s.ok()) return g.Fail(s);
  if (absl::Status s = g.EmitDue(g.now); !s.ok()) return g.Fail(s);
  if (absl::Status s = g.Commit(); !s.ok()) return g.Fail(s);
  if (absl::Status s = g.PublishOutbox(); !s.ok()) return g.Fail(s);
  g.UpdateCounters();
  return absl::OkStatus();
}

absl::Status Gateway::Flush() {
  Impl& g = *impl_;
  g.flushing = true;
  absl::Status status;
  do {
    status = Tick();
  } while (status.ok() && (g.dirty.size() > g.held.size() || !g.fan_outs.empty()));
  g.flushing = false;
  return status;
}

absl::Status Gateway::Drain(absl::Duration timeout) {
  Impl& g = *impl_;
  const absl::Duration give_up = g.options.clock->Monotonic() + timeout;
  while (true) {
    DAYBOOK_RETURN_IF_ERROR(Tick());
    if (g.outbox->size() == 0 && !g.outbox->HasRemovals()) return absl::OkStatus();
    if (g.options.clock->Monotonic() >= give_up) {
      return absl::DeadlineExceededError(absl::StrCat(g.outbox->size(), " commands are still in the outbox"));
    }
    if (!g.outbox->HasRemovals()) g.outbox->WaitForAnswer(absl::Milliseconds(5));
  }
}

std::vector<InputPosition> Gateway::Positions() const {
  std::vector<InputPosition> list;
  for (const auto& [key, place] : impl_->positions) {
    const std::size_t topic = key.size() - 4;
    list.push_back({key.substr(0, topic), static_cast<std::int32_t>(ReadBigEndian32(key.data() + topic)), place.offset,
                    place.timestamp_ms});
  }
  std::sort(list.begin(), list.end(), [](const InputPosition& a, const InputPosition& b) {
    return std::tie(a.topic, a.partition) < std::tie(b.topic, b.partition);
  });
  return list;
}

absl::Status Gateway::SetAside(std::string_view raw, std::string_view place, const absl::Status& why) {
  Impl& g = *impl_;
  DAYBOOK_RETURN_IF_ERROR(g.failed);
  const std::array<std::uint8_t, 16> hash = Hash128(raw);
  if (!g.bad_lines.Add({reinterpret_cast<const char*>(hash.data()), hash.size()})) return absl::OkStatus();
  ++g.count.dead_letters;
  g.dead_letters.AddLine(raw, place, why, g.options.clock->Now());
  if (absl::Status s = g.Commit(); !s.ok()) return g.Fail(s);
  g.UpdateCounters();
  return absl::OkStatus();
}

GatewayCounters Gateway::counters() const {
  absl::MutexLock lock(&impl_->mu);
  return impl_->published_counters;
}

}  // namespace daybook::cdc
