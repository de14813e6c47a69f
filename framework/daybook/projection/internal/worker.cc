#include "daybook/projection/internal/worker.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/internal/seeded_bugs.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/codec/envelope.h"
#include "daybook/projection/internal/keys.h"

namespace daybook::projection::internal {

namespace {
// Only bounds how long a wake-up that got lost in the store could matter; nothing happens when it passes.
constexpr absl::Duration kPatience = absl::Minutes(1);
// How soon a source that could not be reached is tried again.
constexpr absl::Duration kBetweenAttempts = absl::Milliseconds(500);
}  // namespace

absl::StatusOr<StreamId> StreamOf(const store::EventView& event) {
  std::optional<StreamId> stream = StreamId::Parse(event.stream);
  if (!stream) return absl::DataLossError(absl::StrCat("'", ToAbsl(event.stream), "' is no stream id"));
  return *std::move(stream);
}

Worker::Worker(std::size_t index, std::unique_ptr<ProjectionBody> body, EventSource& source, store::KeyValue& models,
               store::TableId table, ProgressBoard& board)
    : index_(index),
      body_(std::move(body)),
      source_(source),
      models_(models),
      table_(table),
      board_(board),
      writer_(models, table) {}

void Worker::Run(const Settings& settings) {
  absl::Status status = Open();
  if (status.ok()) status = Loop(settings);
  if (status.ok() || absl::IsCancelled(status)) return;
  Log(LogLevel::kError, "projection stopped",
      {{"projection", std::string(name())}, {"error", std::string(ToStd(status.message()))}});
  board_.Failed(index_, std::move(status));
}

void Worker::Cancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
  if (feed_) feed_->Cancel();
}

absl::Status Worker::waiting() const {
  absl::MutexLock lock(&mu_);
  return feed_ != nullptr ? feed_->waiting() : unreachable_;
}

absl::Status Worker::Open() {
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> row, models_.Get(table_, kCheckpointKey));
  if (row) {
    absl::StatusOr<Checkpoint> checkpoint = DecodeCheckpoint(*row);
    if (!checkpoint.ok()) return Annotate(checkpoint.status(), absl::StrCat("read model ", ToAbsl(name())));
    checkpoint_ = *std::move(checkpoint);
  }
  absl::StatusOr<std::unique_ptr<EventFeed>> feed = OpenFeed();
  if (!feed.ok()) return Annotate(feed.status(), absl::StrCat("read model ", ToAbsl(name())));
  start_end_ = source_.end();
  {
    absl::MutexLock lock(&mu_);
    feed_ = *std::move(feed);
    if (cancelled_) feed_->Cancel();
  }
  board_.Started(index_, checkpoint_.position, checkpoint_.events, start_end_);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<EventFeed>> Worker::OpenFeed() {
  const FeedStart start{checkpoint_.position, checkpoint_.tip, checkpoint_.cursor};
  while (true) {
    absl::StatusOr<std::unique_ptr<EventFeed>> feed = source_.Open(start);
    if (!absl::IsUnavailable(feed.status())) return feed;
    Log(LogLevel::kWarning, "the events cannot be reached yet",
        {{"projection", std::string(name())}, {"error", std::string(ToStd(feed.status().message()))}});
    // What the table shows can be waited for already, however long the source takes.
    board_.Reached(index_, checkpoint_.position, checkpoint_.events);
    absl::MutexLock lock(&mu_);
    unreachable_ = feed.status();
    if (mu_.AwaitWithTimeout(absl::Condition(&cancelled_), kBetweenAttempts)) {
      return absl::CancelledError("stopped before the events could be reached");
    }
  }
}

absl::Status Worker::Loop(const Settings& settings) {
  {
    absl::MutexLock lock(&mu_);
    open_feed_ = feed_.get();
  }
  while (true) {
    absl::StatusOr<std::vector<store::EventView>> events = open_feed_->NextBatch(settings.limits, kPatience);
    if (absl::IsCancelled(events.status())) {
      absl::MutexLock lock(&mu_);
      return cancelled_ ? absl::OkStatus() : absl::UnavailableError("the event store was closed");
    }
    if (!events.ok()) return events.status();
    if (!events->empty()) DAYBOOK_RETURN_IF_ERROR(Project(*events, settings));
  }
}

absl::Status Worker::Project(std::span<const store::EventView> events, const Settings& settings) {
  Applied applied = ApplyAll(events, settings);
  if (!applied.failure.ok()) {
    // Nothing of the failing command may stay, all before it should: what was staged goes, and the commands before it
    // are applied again.
    const absl::Status failure = std::move(applied.failure);
    const std::size_t whole = applied.events - events[applied.events].index;
    if (whole == 0) return failure;
    applied = ApplyAll(events.first(whole), settings);
    if (!applied.failure.ok()) return applied.failure;
    DAYBOOK_RETURN_IF_ERROR(Commit(events.first(whole), applied.counted));
    return failure;
  }
  DAYBOOK_RETURN_IF_ERROR(Commit(events, applied.counted));
  if (settings.on_shown && events.back().position > start_end_) TellShown(events, settings);
  return absl::OkStatus();
}

Worker::Applied Worker::ApplyAll(std::span<const store::EventView> events, const Settings& settings) {
  Applied out;
  for (; out.events < events.size(); ++out.events) {
    const store::EventView& event = events[out.events];
    absl::Status status;
    switch (Judge(event.type, settings)) {
      case Verdict::kApply:
        status = ApplyOne(event, settings.partition);
        ++out.counted;
        break;
      case Verdict::kSkip:
        break;
      case Verdict::kUnknown:
        status = absl::NotFoundError("no aggregate that was added knows this type of event");
        break;
    }
    if (!status.ok()) {
      out.failure = At(event, status);
      writer_.Clear();
      body_->Reset();
      break;
    }
  }
  return out;
}

absl::Status Worker::ApplyOne(const store::EventView& event, PartitionId partition) {
  absl::Status status;
  try {
    status = body_->Apply(event, partition, writer_);
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat("the projection threw: ", e.what()));
  } catch (...) {
    return absl::InternalError("the projection threw something that is no std::exception");
  }
  return status.ok() ? writer_.status() : status;
}

absl::Status Worker::At(const store::EventView& event, const absl::Status& why) const {
  return Annotate(
      why, absl::StrCat(ToAbsl(name()), " at position ", event.position.value(), ", stream ", ToAbsl(event.stream),
                        " revision ", event.revision.value(), ", type ", ToAbsl(event.type)));
}

Worker::Verdict Worker::Judge(std::string_view type, const Settings& settings) {
  const auto found = verdicts_.find(type);
  if (found != verdicts_.end()) return found->second;
  const Verdict verdict = body_->Knows(type)               ? Verdict::kApply
                          : settings.known_elsewhere(type) ? Verdict::kSkip
                                                           : Verdict::kUnknown;
  // An unknown one stops the projection, so that the map stays as small as the program's types are few.
  if (verdict != Verdict::kUnknown) verdicts_.emplace(std::string(type), verdict);
  return verdict;
}

absl::Status Worker::Commit(std::span<const store::EventView> events, std::uint64_t counted) {
  const store::EventView& last = events.back();
  DAYBOOK_RETURN_IF_ERROR(body_->Flush(writer_));
  DAYBOOK_RETURN_IF_ERROR(writer_.status());
  Checkpoint next = checkpoint_;
  next.position = last.position;
  next.events += counted;
  next.tip = TipOf(last);
  next.cursor = open_feed_->CursorAfter(events.size());
  if (daybook::internal::SeededBug("reached_before_commit")) [[unlikely]] {
    board_.Reached(index_, next.position, next.events);
  }
  DAYBOOK_RETURN_IF_ERROR(
      Annotate(Write(next), absl::StrCat("read model ", ToAbsl(name()), " up to position ", last.position.value())));
  checkpoint_ = std::move(next);
  board_.Reached(index_, checkpoint_.position, checkpoint_.events);
  return absl::OkStatus();
}

void Worker::TellShown(std::span<const store::EventView> events, const Settings& settings) {
  const Timestamp now = settings.clock->Now();
  EventMetadata metadata;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const store::EventView& event = events[i];
    if (event.index + 1 < event.count || event.position <= start_end_ || !body_->Knows(event.type)) continue;
    // The projection may do without the envelope; one that does not read is no reason to stop.
    if (!codec::DecodeEnvelopeInto(event.envelope, metadata).ok()) continue;
    settings.on_shown(Shown{name(), event.position, metadata, open_feed_->ArrivalOf(i), now});
  }
}

absl::Status Worker::Write(const Checkpoint& next) {
  store::WriteBatch batch;
  writer_.MoveTo(batch);
  if (daybook::internal::SeededBug("checkpoint_apart")) [[unlikely]] {
    DAYBOOK_RETURN_IF_ERROR(models_.Write(batch, store::Durability::kUnsynced));
    batch.Clear();
  }
  batch.Put(table_, kCheckpointKey, EncodeCheckpoint(next));
  return models_.Write(batch, store::Durability::kUnsynced);
}

}  // namespace daybook::projection::internal
