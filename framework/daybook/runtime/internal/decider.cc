#include "daybook/runtime/internal/decider.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/internal/seeded_bugs.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/uuid_source.h"
#include "daybook/codec/envelope.h"
#include "daybook/runtime/internal/load_state.h"
#include "daybook/runtime/internal/outcome_codec.h"

namespace daybook::runtime::internal {
namespace {

using daybook::internal::SeededBug;

absl::Status IdReused(CommandId id) {
  return WithReason(absl::AlreadyExistsError(absl::StrCat("command id ", id.ToString(),
                                                          " was used before for another stream or with other content")),
                    "COMMAND_ID_REUSED");
}

bool SameContent(const Fingerprint& a, const Fingerprint& b) { return a == b || SeededBug("fingerprint_unchecked"); }

store::ExpectedRevision Exactly(Revision revision) {
  return revision == Revision() ? store::ExpectedRevision::NoStream() : store::ExpectedRevision::Exactly(revision);
}

}  // namespace

Decider::Decider(const PartitionOptions& options, store::EventStore& store, Position log_end)
    : options_(options), store_(store), cache_(options.state_cache_bytes_max), log_end_(log_end) {}

void Decider::BeginChunk(std::uint64_t chunk, std::uint64_t durable_chunk) {
  chunk_ = chunk;
  durable_chunk_ = durable_chunk;
  now_ = options_.clock->Now();
  monotonic_now_ = options_.clock->Monotonic();
  while (!staged_order_.empty() && staged_order_.front().first <= durable_chunk) {
    staged_.erase(staged_order_.front().second);
    staged_order_.pop_front();
  }
  cache_.Shrink(durable_chunk);
}

std::uint64_t Decider::MustWaitFor(const Request& request) {
  if (!any_broken_) return 0;
  const CachedState* state = cache_.Find(request.stream);
  if (state == nullptr || !state->broken || state->staged_in <= durable_chunk_) return 0;
  return state->staged_in;
}

void Decider::Decide(std::unique_ptr<Request> request, Work& work) {
  if (request->IsInputOnly()) {
    request->result = CommandOutcome();
  } else {
    request->result = DecideOne(*request, work);
  }
  if (request->options.input.has_value() && request->result.ok()) NoteInput(*request);
  work.answers.push_back(std::move(request));
}

absl::StatusOr<CommandOutcome> Decider::DecideOne(Request& request, Work& work) {
  CommandOptions& options = request.options;
  if (options.deadline != absl::InfiniteFuture() && options.deadline <= ToAbslTime(now_)) {
    return absl::DeadlineExceededError("the deadline passed before the command was decided; nothing was written");
  }
  if (request.IsGuarded()) {  // before the id: an earlier outcome is not for everybody's eyes
    DAYBOOK_ASSIGN_OR_RETURN(const CachedState* const guarded, FindState(request));
    DAYBOOK_RETURN_IF_ERROR(request.AskGuard(*guarded->state));
  }
  if (options.id == CommandId()) {
    options.id = CommandId(options_.ids->New(now_));  // new: nothing to look up
  } else {
    DAYBOOK_ASSIGN_OR_RETURN(std::optional<CommandOutcome> earlier, FindEarlier(request));
    if (earlier.has_value()) return *std::move(earlier);
  }
  DAYBOOK_ASSIGN_OR_RETURN(CachedState* const state, FindState(request));
  if (!options.expected.Admits(state->revision)) {
    return WithReason(
        absl::AbortedError(absl::StrCat("stream ", request.stream.text(), " is at revision ", state->revision.value(),
                                        "; expected ", options.expected.ToString())),
        "REVISION_MISMATCH");
  }
  Context context;
  context.now = now_;
  context.command_id = options.id;
  context.actor = options.actor;
  context.stream = std::move(request.stream);  // lent for the call
  context.revision = state->revision;
  context.ids = &SystemNameBasedIds();
  Decided decided;
  absl::Status status = request.Decide(*state->state, context, decided);
  request.stream = std::move(context.stream);
  if (!status.ok()) {
    state->broken = true;
    any_broken_ = true;
    return Annotate(status, absl::StrCat("command ", options.id.ToString(), " on stream ", request.stream.text()));
  }
  return Stage(request, *state, std::move(decided), work);
}

absl::StatusOr<std::optional<CommandOutcome>> Decider::FindEarlier(const Request& request) {
  const CommandId id = request.options.id;
  const auto it = staged_.find(id);
  if (it != staged_.end() && !SeededBug("dedup_unchecked_in_batch")) {
    const StagedOutcome& staged = it->second;
    if (!SameContent(staged.fingerprint, request.fingerprint)) return IdReused(id);
    CommandOutcome outcome;
    outcome.result = staged.result;
    outcome.id = id;
    outcome.stream = request.stream;
    outcome.revision = staged.revision;
    outcome.position = staged.position;
    outcome.partition = options_.partition;
    outcome.event_count = staged.event_count;
    if (staged.rejection != nullptr) outcome.rejection = *staged.rejection;
    outcome.duplicate = true;
    return outcome;
  }
  const Timestamp not_before = FromAbslTime(ToAbslTime(now_) - options_.outcome_retention);
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<store::OutcomeRow> row, store_.FindOutcome(id, not_before));
  if (row.has_value() && !SeededBug("dedup_unchecked_in_store")) {
    DAYBOOK_ASSIGN_OR_RETURN(StoredOutcome stored, DecodeOutcome(id, options_.partition, row->value));
    if (!SameContent(stored.fingerprint, request.fingerprint)) return IdReused(id);
    return std::move(stored.outcome);
  }
  const std::optional<Timestamp> made_at = TimeOfUuid(id.uuid());
  if (made_at.has_value() && *made_at < not_before && !SeededBug("expired_ids_accepted")) {
    return WithReason(absl::InvalidArgumentError(
                          absl::StrCat("command id ", id.ToString(), " was made at ", FormatTimestamp(*made_at),
                                       ", longer ago than outcomes are kept: whether it was done is unknown")),
                      "COMMAND_ID_EXPIRED");
  }
  return std::nullopt;
}

absl::StatusOr<CachedState*> Decider::FindState(const Request& request) {
  CachedState* cached = cache_.Find(request.stream);
  if (cached != nullptr && !cached->broken) return cached;
  if (cached != nullptr) cache_.Erase(*cached);  // MustWaitFor has seen to it that the log holds all of it
  DAYBOOK_ASSIGN_OR_RETURN(LoadedState loaded, LoadState(store_, *request.ops, request.stream));
  states_loaded_.fetch_add(1, std::memory_order_relaxed);
  snapshots_ignored_.fetch_add(loaded.snapshots_ignored, std::memory_order_relaxed);
  CachedState state;
  state.stream = request.stream;
  state.ops = request.ops;
  state.state = std::move(loaded.state);
  state.revision = loaded.revision;
  state.position = loaded.position;
  state.snapshot_revision = loaded.snapshot_revision;
  state.loaded_at = monotonic_now_;
  return cache_.Insert(std::move(state));
}

CommandOutcome Decider::Stage(Request& request, CachedState& state, Decided decided, Work& work) {
  CommandOutcome outcome;
  outcome.id = request.options.id;
  outcome.partition = options_.partition;
  outcome.event_count = static_cast<std::uint32_t>(decided.events.size());
  switch (decided.kind) {
    case Decided::Kind::kEvents:
      outcome.result = CommandOutcome::Result::kCommitted;
      StageEvents(request, state, std::move(decided.events), work);
      break;
    case Decided::Kind::kUnchanged:
      outcome.result = CommandOutcome::Result::kUnchanged;
      break;
    case Decided::Kind::kRejected:
      outcome.result = CommandOutcome::Result::kRejected;
      outcome.rejection = std::move(decided.rejection);
      if (SeededBug("position_taken_before_commit")) log_end_ = log_end_.Next();
      break;
  }
  outcome.revision = state.revision;
  outcome.position = log_end_;
  outcome.stream = std::move(request.stream);  // the request is done with it
  StageOutcome(request, outcome, work);
  return outcome;
}

void Decider::StageEvents(const Request& request, CachedState& state, std::vector<store::EventData> events,
                          Work& work) {
  const CommandOptions& options = request.options;
  codec::EnvelopeFields fields;
  fields.command_id = options.id;
  fields.correlation_id = options.correlation_id;
  fields.causation_id = options.causation_id;
  fields.actor = options.actor;
  fields.traceparent = options.traceparent;
  fields.recorded_at = now_;
  fields.source_time = options.source_time;
  fields.source_change = options.source_change;
  fields.event_count = static_cast<std::uint32_t>(events.size());
  for (store::EventData& event : events) {
    fields.event_id = codec::EventIdOf(options.id, fields.event_index);
    codec::EncodeEnvelope(fields, event.envelope);
    ++fields.event_index;
    work.bytes += event.type.size() + event.envelope.size() + event.data.size() + 64;
  }
  const std::uint64_t count = events.size();
  if (work.batch.first_position == Position() && !SeededBug("position_taken_before_commit")) {
    work.batch.first_position = log_end_.Next();
  }
  store::StreamAppend& append = work.batch.appends.emplace_back();
  append.stream = request.stream;
  append.expected = Exactly(state.revision);
  append.events = std::move(events);
  log_end_ = log_end_.Plus(count);
  state.revision = state.revision.Plus(count);
  state.position = log_end_;
  state.staged_in = chunk_;
  cache_.Changed(state);
  NoteSnapshotDue(state);
}

void Decider::StageOutcome(const Request& request, const CommandOutcome& outcome, Work& work) {
  store::OutcomeRow& row = work.batch.outcomes.emplace_back();
  row.command_id = outcome.id;
  row.decided_at = now_;
  EncodeOutcome(outcome, request.fingerprint, now_, row.value);
  work.bytes += row.value.size() + 64;
  StagedOutcome staged;
  staged.fingerprint = request.fingerprint;
  staged.result = outcome.result;
  staged.revision = outcome.revision;
  staged.position = outcome.position;
  staged.event_count = outcome.event_count;
  if (outcome.rejection.has_value()) staged.rejection = std::make_unique<Reject>(*outcome.rejection);
  staged_.insert_or_assign(outcome.id, std::move(staged));
  staged_order_.emplace_back(chunk_, outcome.id);
}

void Decider::NoteSnapshotDue(CachedState& state) {
  if (state.snapshot_due) return;
  SnapshotFacts facts;
  facts.stream = state.stream.text();
  facts.revision = state.revision;
  facts.events_since = state.revision.value() - state.snapshot_revision.value();
  facts.age = monotonic_now_ - state.snapshot_at.value_or(state.loaded_at);
  std::optional<absl::Duration> since_last;
  if (state.snapshot_at.has_value()) since_last = facts.age;
  const absl::Status status =
      GuardUserCode("snapshot policy", [&] { state.snapshot_due = state.ops->snapshots().Due(facts, since_last); });
  if (!status.ok()) {
    Log(LogLevel::kWarning, "no snapshot", {{"stream", state.stream.text()}, {"error", status.ToString()}});
  }
  if (state.snapshot_due) snapshots_due_.push_back(&state);
}

void Decider::NoteInput(const Request& request) {
  const CommandInput& input = *request.options.input;
  if (!request.IsInputOnly()) input.progress->Decided(input.number);
  if (std::find(inputs_.begin(), inputs_.end(), input.progress) == inputs_.end()) inputs_.push_back(input.progress);
}

void Decider::EndChunk(Work& work) {
  for (const std::shared_ptr<InputProgress>& input : inputs_) {
    work.batch.inputs.push_back(input->position());
    work.bytes += work.batch.inputs.back().source.size() + work.batch.inputs.back().value.size();
  }
  inputs_.clear();
  for (CachedState* state : snapshots_due_) {
    state->snapshot_due = false;
    if (state->broken) continue;
    SnapshotJob& job = work.snapshots.emplace_back();
    job.ops = state->ops;
    job.stream = state->stream;
    job.revision = state->revision;
    job.position = state->position;
    job.state = state->ops->CloneState(*state->state);
    state->snapshot_revision = state->revision;
    state->snapshot_at = monotonic_now_;
  }
  snapshots_due_.clear();
  work.last_chunk = chunk_;
}

void Decider::DropEverything() {
  cache_.Clear();
  any_broken_ = false;
  staged_.clear();
  staged_order_.clear();
  snapshots_due_.clear();
  inputs_.clear();
}

}  // namespace daybook::runtime::internal
