#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/base/uuid_source.h"
#include "daybook/cdc/internal/gateway_impl.h"

namespace daybook::cdc {

using internal::KeyOfRowId;
using internal::TableOfRowId;

namespace {

// First byte of a key of the table cdc.state.
constexpr char kWriterEntry = 'w';

constexpr absl::Duration kNotedInterval = absl::Seconds(1);

// Name space of the ids of dead letters.
const Uuid& LetterNameSpace() {
  static const Uuid id = NameBasedUuid(kUuidNamespaceDns, "gateway-dead-letter.daybook");
  return id;
}

Uuid LetterId(const Record& record) {
  return NameBasedUuid(LetterNameSpace(), absl::StrCat(ToAbsl(record.topic), "/", record.partition, "@", record.offset,
                                                       "@", record.timestamp_ms));
}

std::string PositionKey(const InputPosition& place) {
  std::string key = place.topic;
  AppendBigEndian32(key, static_cast<std::uint32_t>(place.partition));
  return key;
}

}  // namespace

absl::Status Gateway::Impl::LoadShared() {
  const std::string key(1, kWriterEntry);
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> stored, kv->Get(state_table, key));
  if (stored) {
    writer = *stored;
  } else {
    writer = UuidSource::System().New(options.clock->Now()).ToString();
    store::WriteBatch batch;
    batch.Put(state_table, key, writer);
    DAYBOOK_RETURN_IF_ERROR(kv->Write(batch, store::Durability::kSynced));
  }
  return letters_seen.Load(*kv, state_table);
}

void Gateway::Impl::AppendShared(store::WriteBatch& batch) {
  letters_seen.AppendTo(state_table, batch);
  if (positions_noted.empty()) return;
  // Read again after a crash they change nothing, so that they are worth no batch of their own each time.
  const bool alone = batch.empty() && positions_changed.empty() && emitted_changed.empty() && dirty_touched.empty();
  if (alone && now - noted_written < kNotedInterval) return;
  noted_written = now;
  positions_changed.insert(positions_noted.begin(), positions_noted.end());
  positions_noted.clear();
}

void Gateway::Impl::SetLetterAside(const Record& record, const absl::Status& why) {
  const Timestamp at = options.clock->Now();
  if (options.dead_letters == GatewayOptions::DeadLetters::kDirectory) {
    dead_letters.AddRecord(record, why, at);
    return;
  }
  DeadLetter letter;
  letter.id = LetterId(record);
  if (letters_seen.Remove(letter.id.raw())) return;
  letter.topic = std::string(record.topic);
  letter.partition = record.partition;
  letter.offset = record.offset;
  letter.timestamp = Timestamp::FromMillis(record.timestamp_ms);
  if (record.key) letter.key = std::string(*record.key);
  if (record.value) letter.value = std::string(*record.value);
  for (const RecordHeader& header : record.headers) {
    letter.headers.push_back({std::string(header.name), std::string(header.value)});
  }
  letter.why = why;
  letter.at = at;
  outbox->AddLetter(std::move(letter));
}

absl::Status Gateway::Impl::ObserveOne(const Published& published) {
  DAYBOOK_ASSIGN_OR_RETURN(const bool waited, outbox->RemovePublished(published.id));
  if (waited) return absl::OkStatus();
  if (published.aggregate.empty()) {
    // Another one's letter, of a record that this gateway has not come to yet, or came to when it was not kSink.
    if (published.writer != writer) letters_seen.Add(published.id.raw());
    return absl::OkStatus();
  }
  if (published.writer != writer) return Adopt(published);
  DAYBOOK_ASSIGN_OR_RETURN(const Emitted* state, EmittedOf(std::string(published.aggregate)));
  return published.emission > state->count ? Adopt(published) : absl::OkStatus();
}

// Another gateway published it, or this one before its machine lost the last writes: the aggregate's last command is
// that one, whatever waits here.
absl::Status Gateway::Impl::Adopt(const Published& published) {
  const std::string id(published.aggregate);
  if (id.size() < 2 || TableOfRowId(id) >= static_cast<int>(catalog.aggregates().size())) {
    return absl::FailedPreconditionError(
        absl::StrCat("command ", published.id.ToString(), " was published by a gateway with other captured tables"));
  }
  ++count.observed;
  const AggregateMapping& mapping = *options.mappings[static_cast<std::size_t>(TableOfRowId(id))];
  const std::string key = KeyText(KeyOfRowId(id));
  DAYBOOK_RETURN_IF_ERROR(outbox->RemoveStream(mapping.Stream(key).text()));
  DAYBOOK_ASSIGN_OR_RETURN(Emitted * state, EmittedOf(id));
  state->count = published.emission;
  state->exists = mapping.Forget(key).type != published.type;
  state->hash = Hash128(absl::StrCat(ToAbsl(published.type), ":", ToAbsl(published.payload)));
  if (!state->changed) {
    state->changed = true;
    emitted_changed.push_back(id);
  }
  // It may be what the rows here say, or say later.
  dirty.try_emplace(id);
  dirty_touched.insert(id);
  ready.push_back(id);
  return absl::OkStatus();
}

absl::Status Gateway::Observe(std::span<const Published> published, std::span<const InputPosition> places) {
  Impl& g = *impl_;
  DAYBOOK_RETURN_IF_ERROR(g.failed);
  g.now = g.options.clock->Monotonic();
  for (const Published& one : published) {
    if (absl::Status s = g.ObserveOne(one); !s.ok()) return g.Fail(s);
  }
  for (const InputPosition& place : places) {
    const std::string key = PositionKey(place);
    g.positions.insert_or_assign(key, Impl::Place{place.offset, place.timestamp_ms});
    g.positions_noted.insert(key);
  }
  if (absl::Status s = g.EmitDue(g.now); !s.ok()) return g.Fail(s);
  if (absl::Status s = g.Commit(); !s.ok()) return g.Fail(s);
  g.UpdateCounters();
  return absl::OkStatus();
}

std::optional<InputPosition> Gateway::PositionIn(std::string_view topic, std::int32_t partition) const {
  InputPosition place{std::string(topic), partition, 0, 0};
  const auto found = impl_->positions.find(PositionKey(place));
  if (found == impl_->positions.end()) return std::nullopt;
  place.offset = found->second.offset;
  place.timestamp_ms = found->second.timestamp_ms;
  return place;
}

void Gateway::SetRole(Role role) {
  Impl& g = *impl_;
  if (g.role == role) return;
  g.role = role;
  if (role == Role::kStandby) return;
  for (const std::string& id : g.held) g.ready.push_back(id);
  g.held.clear();
}

Role Gateway::role() const { return impl_->role; }

const std::string& Gateway::writer() const { return impl_->writer; }

absl::StatusOr<std::size_t> Gateway::ForgetPositions(std::span<const std::string> topics) {
  Impl& g = *impl_;
  DAYBOOK_RETURN_IF_ERROR(g.failed);
  std::size_t forgotten = 0;
  for (const InputPosition& place : Positions()) {
    if (std::find(topics.begin(), topics.end(), place.topic) == topics.end()) continue;
    const std::string key = PositionKey(place);
    g.positions.erase(std::string_view(key));
    g.positions_changed.erase(std::string_view(key));
    g.positions_noted.erase(std::string_view(key));
    g.positions_forgotten.insert(key);
    ++forgotten;
  }
  if (absl::Status s = g.Commit(); !s.ok()) return g.Fail(s);
  return forgotten;
}

}  // namespace daybook::cdc
