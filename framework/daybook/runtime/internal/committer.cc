#include "daybook/runtime/internal/committer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/internal/seeded_bugs.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/codec/envelope.h"
#include "daybook/runtime/internal/outcome_codec.h"

namespace daybook::runtime::internal {
namespace {

using daybook::internal::SeededBug;

// Small enough that the writer never waits long for a command that is ready, large enough that the lock does not show.
constexpr std::size_t kCommandsPerChunk = 64;

constexpr absl::Duration kQueueFullRetryAfter = absl::Milliseconds(250);

absl::Status Stopping() {
  return WithReason(absl::UnavailableError("the partition is stopping; the command was not decided"), "STOPPING");
}

}  // namespace

Committer::Committer(const PartitionOptions& options, store::EventStore& store, CommitPoint& commit_point,
                     WriterEpoch epoch)
    : options_(options),
      store_(store),
      commit_point_(commit_point),
      epoch_(epoch),
      decider_(options_, store, store.DurableWatermark()),
      snapshot_writer_(store, store_mu_, options.snapshot_queue_max),
      decider_thread_([this] { RunDecider(); }),
      writer_thread_([this] { RunWriter(); }) {}

// ---- Any thread ----

absl::Status Committer::CheckRequest(const Request& request) {
  if (request.IsInputOnly()) return absl::OkStatus();
  if (!request.stream.IsValid() || !IsValidUtf8(request.stream.text())) {
    return WithReason(
        absl::InvalidArgumentError("the stream key must be 1 to 255 bytes of UTF-8 without control characters"),
        "BAD_STREAM_KEY");
  }
  const CommandOptions& options = request.options;
  codec::EnvelopeFields fields;
  fields.correlation_id = options.correlation_id;
  fields.causation_id = options.causation_id;
  fields.actor = options.actor;
  fields.traceparent = options.traceparent;
  fields.source_change = options.source_change;
  if (absl::Status status = codec::CheckEnvelope(fields); !status.ok()) {
    return WithReason(std::move(status), "BAD_COMMAND_OPTIONS");
  }
  return absl::OkStatus();
}

absl::Status Committer::Admit(const Request& request) const {
  if (!poisoned_.ok()) return poisoned_;
  if (closed_) return Stopping();
  if (waiting_commands_ >= options_.queue_commands_max || waiting_bytes_ + request.bytes > options_.queue_bytes_max) {
    return WithRetryAfter(
        WithReason(absl::ResourceExhaustedError(absl::StrCat(waiting_commands_, " commands of ", waiting_bytes_,
                                                             " bytes wait already; try again later")),
                   "QUEUE_FULL"),
        kQueueFullRetryAfter);
  }
  return absl::OkStatus();
}

void Committer::Submit(std::unique_ptr<Request> request) {
  absl::Status status = CheckRequest(*request);
  if (status.ok()) {
    absl::MutexLock lock(&mu_);
    status = Admit(*request);
    if (status.ok()) {
      ++waiting_commands_;
      waiting_bytes_ += request->bytes;
      queue_.push_back(std::move(request));
      if (decider_waits_) decider_wakeup_.Signal();
      return;
    }
  }
  request->result = std::move(status);
  std::vector<std::unique_ptr<Request>> refused;
  refused.push_back(std::move(request));
  Answer(refused);
}

void Committer::StoreInput(std::shared_ptr<InputProgress> progress, OutcomeHandler done) {
  auto request = std::make_unique<InputRequest>();
  request->options.input = CommandInput{std::move(progress), 0};
  request->done = std::move(done);
  Submit(std::move(request));
}

const AggregateOps& Committer::Register(std::unique_ptr<AggregateOps> ops) {
  absl::MutexLock lock(&ops_mu_);
  return *ops_.try_emplace(std::string(ops->category()), std::move(ops)).first->second;
}

absl::StatusOr<CommandOutcome> Committer::FindOutcome(CommandId id) {
  const Timestamp not_before = FromAbslTime(ToAbslTime(options_.clock->Now()) - options_.outcome_retention);
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<store::OutcomeRow> row, store_.FindOutcome(id, not_before));
  if (!row.has_value()) {
    return absl::NotFoundError(absl::StrCat("no outcome is stored for command ", id.ToString()));
  }
  DAYBOOK_ASSIGN_OR_RETURN(StoredOutcome stored, DecodeOutcome(id, options_.partition, row->value));
  stored.outcome.duplicate = false;
  return std::move(stored.outcome);
}

absl::Status Committer::health() const {
  absl::MutexLock lock(&mu_);
  if (!poisoned_.ok()) return poisoned_;
  return closed_ ? Stopping() : absl::OkStatus();
}

absl::Status Committer::refusal() const {
  absl::MutexLock lock(&mu_);
  return poisoned_;
}

PartitionStats Committer::stats() const {
  PartitionStats stats;
  stats.commands_committed = counters_.committed.load(std::memory_order_relaxed);
  stats.commands_unchanged = counters_.unchanged.load(std::memory_order_relaxed);
  stats.commands_rejected = counters_.rejected.load(std::memory_order_relaxed);
  stats.commands_duplicate = counters_.duplicate.load(std::memory_order_relaxed);
  stats.commands_failed = counters_.failed.load(std::memory_order_relaxed);
  stats.events = counters_.events.load(std::memory_order_relaxed);
  stats.batches = counters_.batches.load(std::memory_order_relaxed);
  stats.snapshots_written = snapshot_writer_.written();
  stats.snapshots_skipped = snapshot_writer_.skipped();
  stats.snapshots_ignored = decider_.snapshots_ignored();
  stats.states_loaded = decider_.states_loaded();
  stats.cache_bytes = decider_.cache_bytes();
  stats.durable = store_.DurableWatermark();
  absl::MutexLock lock(&mu_);
  stats.queue_commands = waiting_commands_;
  return stats;
}

void Committer::Stop(absl::Duration grace) {
  absl::MutexLock stop_lock(&stop_mu_);
  if (grace <= absl::ZeroDuration()) refuse_rest_.store(true);  // before anybody can see that it is closed
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    decider_wakeup_.Signal();
    while (!decider_done_) {
      if (decider_ended_.WaitWithTimeout(&mu_, grace)) break;
    }
  }
  refuse_rest_.store(true);
  if (decider_thread_.joinable()) decider_thread_.join();
  if (writer_thread_.joinable()) writer_thread_.join();
  snapshot_writer_.Stop();
}

void Committer::Answer(std::vector<std::unique_ptr<Request>>& requests) {
  for (std::unique_ptr<Request>& request : requests) {
    Count(*request);
    const absl::Status guarded = GuardUserCode("outcome handler", [&] { request->done(std::move(request->result)); });
    if (!guarded.ok()) Log(LogLevel::kError, "an outcome handler failed", {{"error", guarded.ToString()}});
    request.reset();
  }
  requests.clear();
}

void Committer::FailAll(std::vector<std::unique_ptr<Request>>& requests, const absl::Status& status) {
  for (const std::unique_ptr<Request>& request : requests) request->result = status;
  Answer(requests);
}

void Committer::Count(const Request& answered) {
  const auto add = [](std::atomic<std::uint64_t>& counter, std::uint64_t n) {
    counter.fetch_add(n, std::memory_order_relaxed);
  };
  if (answered.IsInputOnly()) return;
  if (!answered.result.ok()) return add(counters_.failed, 1);
  const CommandOutcome& outcome = *answered.result;
  if (outcome.duplicate) return add(counters_.duplicate, 1);
  switch (outcome.result) {
    case CommandOutcome::Result::kCommitted:
      add(counters_.events, outcome.event_count);
      return add(counters_.committed, 1);
    case CommandOutcome::Result::kUnchanged:
      return add(counters_.unchanged, 1);
    case CommandOutcome::Result::kRejected:
      return add(counters_.rejected, 1);
  }
}

// ---- The decider's thread ----

void Committer::RunDecider() {
  std::vector<std::unique_ptr<Request>> drained;
  while (Drain(drained)) {
    std::size_t next = 0;
    while (next < drained.size()) next = DecideChunk(drained, next);
    drained.clear();
  }
  absl::MutexLock lock(&mu_);
  decider_done_ = true;
  writer_wakeup_.Signal();
  decider_ended_.SignalAll();
}

bool Committer::Drain(std::vector<std::unique_ptr<Request>>& drained) {
  absl::MutexLock lock(&mu_);
  decider_waits_ = true;
  while (queue_.empty() && !closed_) decider_wakeup_.Wait(&mu_);
  decider_waits_ = false;
  drained.swap(queue_);
  return !drained.empty();
}

std::size_t Committer::DecideChunk(std::vector<std::unique_ptr<Request>>& drained, std::size_t begin) {
  Work& work = chunk_work_;
  const absl::Duration began = options_.clock->Monotonic();
  std::size_t next = begin;
  decider_.BeginChunk(++chunk_, durable_chunk_.load(std::memory_order_acquire));
  const std::size_t commands_max = std::min(kCommandsPerChunk, options_.batch_commands_max);
  while (next < drained.size() && work.answers.size() < commands_max && work.bytes < options_.batch_bytes_max) {
    if (refuse_rest_.load(std::memory_order_relaxed)) {
      drained[next]->result = Stopping();
      work.answers.push_back(std::move(drained[next++]));
      continue;
    }
    if (const std::uint64_t chunk = decider_.MustWaitFor(*drained[next]); chunk != 0) {
      if (!work.answers.empty()) break;  // stage what there is, then come back
      WaitUntilDurable(chunk);
      decider_.BeginChunk(chunk_, durable_chunk_.load(std::memory_order_acquire));
      if (absl::Status refused = refusal(); !refused.ok()) {
        drained[next]->result = std::move(refused);
        work.answers.push_back(std::move(drained[next++]));
      }
      continue;
    }
    decider_.Decide(std::move(drained[next++]), work);
  }
  decider_.EndChunk(work);
  if (!work.answers.empty()) {
    const absl::Duration each = (options_.clock->Monotonic() - began) / static_cast<double>(work.answers.size());
    absl::MutexLock lock(&mu_);
    decide_time_ += (each - decide_time_) / 8;
  }
  StageInMailbox(work);
  return next;
}

bool Committer::HasRoomFor(const Work& work) const {
  if (mailbox_.answers.empty()) return true;
  return mailbox_.answers.size() + work.answers.size() <= options_.batch_commands_max &&
         mailbox_.bytes + work.bytes <= options_.batch_bytes_max;
}

void Committer::StageInMailbox(Work& work) {
  absl::Status poisoned;
  {
    absl::MutexLock lock(&mu_);
    while (poisoned_.ok() && !HasRoomFor(work)) WaitForTheWriter();
    for (const std::unique_ptr<Request>& request : work.answers) waiting_bytes_ -= request->bytes;
    waiting_commands_ -= work.answers.size();
    staged_commands_ += work.answers.size();
    if (poisoned_.ok()) {
      mailbox_.TakeFrom(work);
      if (writer_waits_ && staged_commands_ >= writer_target_) writer_wakeup_.Signal();
      return;
    }
    poisoned = poisoned_;
  }
  decider_.DropEverything();
  FailAll(work.answers, poisoned);
  work.Clear();
}

void Committer::WaitUntilDurable(std::uint64_t chunk) {
  absl::MutexLock lock(&mu_);
  while (poisoned_.ok() && durable_chunk_.load(std::memory_order_acquire) < chunk) WaitForTheWriter();
}

void Committer::WaitForTheWriter() {
  decider_waits_ = true;
  decider_blocked_ = true;
  if (writer_waits_) writer_wakeup_.Signal();
  decider_wakeup_.Wait(&mu_);
  decider_blocked_ = false;
  decider_waits_ = false;
}

// ---- The writer's thread ----

void Committer::RunWriter() {
  Work work;
  while (Take(work)) {
    Finish(work);
    work.Clear();
  }
}

bool Committer::Take(Work& work) {
  absl::MutexLock lock(&mu_);
  writer_waits_ = true;
  while (mailbox_.answers.empty() && !decider_done_) writer_wakeup_.Wait(&mu_);
  LetTheDeciderCatchUp();
  writer_waits_ = false;
  if (mailbox_.answers.empty()) return false;
  std::swap(work, mailbox_);
  if (decider_waits_) decider_wakeup_.Signal();
  return true;
}

// A commit costs much the same for few and for many. Where deciding all that waits takes less time than a commit, it is
// worth waiting for: those who wait would otherwise wait for this commit and then for one of their own.
void Committer::LetTheDeciderCatchUp() {
  if (waiting_commands_ == 0 || decide_time_ * static_cast<double>(waiting_commands_) > commit_time_) return;
  writer_target_ = staged_commands_ + waiting_commands_;
  while (staged_commands_ < writer_target_ && !decider_blocked_ && !decider_done_) {
    if (writer_wakeup_.WaitWithTimeout(&mu_, commit_time_)) break;  // a stream had to be loaded, perhaps
  }
  writer_target_ = 0;
}

void Committer::Finish(Work& work) {
  absl::Status status = refusal();
  if (status.ok()) {
    if (SeededBug("ack_before_sync")) {
      Answer(work.answers);
    }
    status = Commit(work);
    if (!status.ok() && SeededBug("sync_failure_swallowed")) status = absl::OkStatus();
    if (!status.ok()) {
      Poison(status);
      status = refusal();
    }
  }
  if (!status.ok()) {
    FailAll(work.answers, status);
    return;
  }
  {
    absl::MutexLock lock(&mu_);
    durable_chunk_.store(work.last_chunk, std::memory_order_release);
    if (decider_waits_) decider_wakeup_.Signal();
  }
  snapshot_writer_.Queue(work.snapshots);
  Answer(work.answers);
}

absl::Status Committer::Commit(Work& work) {
  if (!work.HasRows()) return absl::OkStatus();
  work.batch.epoch = epoch_;
  absl::StatusOr<store::Appended> appended = absl::InternalError("not committed");
  const absl::Duration began = options_.clock->Monotonic();
  {
    absl::MutexLock lock(&store_mu_);
    appended = commit_point_.Commit(work.batch);
  }
  NoteCommitTime(options_.clock->Monotonic() - began);
  DAYBOOK_RETURN_IF_ERROR(appended.status());
  counters_.batches.fetch_add(1, std::memory_order_relaxed);
  if (work.batch.first_position != Position() && appended->first != work.batch.first_position) {
    return absl::InternalError(absl::StrCat("the commit point put a batch at position ", appended->first.value(),
                                            " that was decided for ", work.batch.first_position.value()));
  }
  return absl::OkStatus();
}

// What a commit costs whatever is in it: the quickest of late. It drifts upwards slowly, since disks do.
void Committer::NoteCommitTime(absl::Duration taken) {
  absl::MutexLock lock(&mu_);
  commit_time_ = commit_time_ == absl::ZeroDuration() ? taken : std::min(taken, commit_time_ * 1.001);
}

void Committer::Poison(const absl::Status& cause) {
  Log(LogLevel::kError, "a commit failed; the partition takes no more commands until it is opened again",
      {{"partition", std::int64_t{options_.partition.value()}}, {"error", cause.ToString()}});
  absl::MutexLock lock(&mu_);
  poisoned_ = WithReason(absl::UnavailableError(absl::StrCat(
                             "partition ", options_.partition.value(), " is poisoned by a failed commit (",
                             cause.ToString(), "): whether the command took effect shows when it is opened again")),
                         "PARTITION_POISONED");
  decider_wakeup_.Signal();
}

}  // namespace daybook::runtime::internal
