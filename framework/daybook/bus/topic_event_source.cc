#include "daybook/bus/topic_event_source.h"

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/event_record.h"
#include "daybook/bus/internal/merged_log.h"
#include "daybook/bus/internal/shared_tail.h"
#include "daybook/cloudevents/binary_mode.h"

namespace daybook::bus {
namespace {

using internal::LaneMark;
using internal::MergedLog;
using internal::NextOffsets;
using internal::SharedTail;

// Only bounds how long a Cancel may go unnoticed; a record ends the wait at once.
constexpr absl::Duration kPollMax = absl::Milliseconds(100);
constexpr std::size_t kPassedOverMax = 10'000;
// How many records are looked at for the last event; more only if there are that many that are none.
constexpr std::size_t kTailRecords = 64;
constexpr std::size_t kTailRecordsMax = 1'000'000;

// What the consumer says of the topic, and what that means for a read model.
absl::Status Explain(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  if (reason == "TOPIC_RECREATED" || reason == "PARTITION_GONE") {
    return Annotate(status,
                    "the topics are not those that it was built from (delete the read models to build them from what "
                    "the topics hold now, once these are known to be complete)");
  }
  if (reason == "OFFSET_OUT_OF_RANGE") {
    return Annotate(status,
                    "the topics do not hold what comes next (they were made anew, or do not keep everything: once they "
                    "hold all events again, delete the read models to build them from these)");
  }
  return status;
}

// kUnavailable while it does not exist: whoever publishes makes it.
absl::Status CheckExists(Consumer& consumer, const TopicPartition& partition, absl::Duration timeout) {
  const absl::StatusOr<std::int32_t> count = consumer.PartitionCount(partition.topic, timeout);
  if (absl::IsNotFound(count.status()) || (count.ok() && *count <= partition.partition.value())) {
    return absl::UnavailableError(absl::StrCat("there is no ", partition.ToString(), " yet"));
  }
  return count.status();
}

// Nothing that a publisher of a log writes. What has a log's marks and is none of this log's is another matter.
bool IsForeign(const Record& record) {
  const absl::StatusOr<cloudevents::Context> context = cloudevents::DecodeBinary(record.headers);
  return !context.ok() || context->sequence == Position();
}

// Of the last event, behind which there may be records that are none; 0 = there is no event.
absl::StatusOr<Position> LastPosition(Bus& bus, const TopicPartition& partition, absl::Duration timeout) {
  for (std::size_t count = 1;; count *= kTailRecords) {
    DAYBOOK_ASSIGN_OR_RETURN(const RecordBatch tail, ReadTail(bus, partition, count, timeout));
    for (std::size_t i = tail.size(); i > 0; --i) {
      const absl::StatusOr<EventRecord> event = DecodeEvent(tail.records()[i - 1]);
      if (event.ok()) return event->position;
    }
    if (tail.size() < count || count > kTailRecordsMax) return Position();
  }
}

}  // namespace

class TopicEventSource::Feed final : public projection::EventFeed {
 public:
  Feed(TopicEventSource& source, std::unique_ptr<Consumer> consumer, MergedLog log)
      : source_(source), log_(std::move(log)), consumer_(std::move(consumer)) {
    StartFrom(log_.Starts(MergedLog::Which::kAll));
  }

  absl::StatusOr<std::vector<store::EventView>> NextBatch(const store::BatchLimits& limits,
                                                          absl::Duration timeout) override {
    const Clock& clock = *source_.options_.clock;
    const absl::Duration deadline = clock.Monotonic() + timeout;
    while (true) {
      if (cancelled_) return absl::CancelledError("the feed was cancelled");
      DAYBOOK_ASSIGN_OR_RETURN(std::vector<store::EventView> events, log_.Take(limits));
      NoteOvertaken();
      if (!events.empty()) return events;
      // What was read before an error is given first.
      DAYBOOK_RETURN_IF_ERROR(failed_);
      const absl::Duration left = deadline - clock.Monotonic();
      if (left <= absl::ZeroDuration()) return events;
      failed_ = LimitAhead();
      if (failed_.ok() && !reassign_) failed_ = Read(limits, std::min(left, kPollMax));
    }
  }

  std::string CursorAfter(std::size_t count) const override { return log_.CursorAfter(count); }
  projection::Arrival ArrivalOf(std::size_t index) const override { return log_.ArrivalOf(index); }

  absl::Status waiting() const override {
    absl::MutexLock lock(&mu_);
    if (overtaken_ != Position() &&
        source_.options_.clock->Monotonic() - overtaken_since_ > source_.options_.overtaken_max) {
      return WithReason(absl::UnavailableError(absl::StrCat(
                            "waits for position ", overtaken_.value(),
                            ", which is not on its topic although later ones are on theirs (is the publisher down?)")),
                        "EVENT_OVERTAKEN");
    }
    return tail_ != nullptr ? tail_->health() : consumer_->health();
  }

  void Cancel() override { cancelled_ = true; }

 private:
  enum class Reading { kAll, kNeeded };

  absl::Status Read(const store::BatchLimits& limits, absl::Duration timeout) {
    const PollOptions poll{.records_max = limits.events_max, .bytes_max = limits.bytes_max, .timeout = timeout};
    if (tail_ != nullptr) return ReadShared(poll);
    absl::StatusOr<RecordBatch> polled = consumer_->Poll(poll);
    if (!polled.ok()) return Explain(polled.status());
    if (!polled->empty()) {
      const Timestamp received = source_.options_.clock->Now();
      DAYBOOK_RETURN_IF_ERROR(AddAll(std::make_shared<const RecordBatch>(*std::move(polled)), received));
    }
    if (reading_ == Reading::kAll) Share();
    return absl::OkStatus();
  }

  absl::Status ReadShared(const PollOptions& poll) {
    absl::StatusOr<std::optional<SharedTail::Block>> block = tail_->Read(next_block_, poll);
    if (absl::IsOutOfRange(block.status())) {
      reassign_ = true;
      return absl::OkStatus();
    }
    if (!block.ok()) return Explain(block.status());
    if (!block->has_value()) return absl::OkStatus();
    ++next_block_;
    return AddAll(std::move((*block)->records), (*block)->received);
  }

  absl::Status AddAll(const std::shared_ptr<const RecordBatch>& batch, Timestamp received) {
    const std::uint64_t repeats = log_.repeats();
    for (const Record& record : batch->records()) {
      Offset& next = next_.find(record.topic)->second;
      if (record.offset < next) continue;  // read before it shared
      next = record.offset.Next();
      const absl::Status added = log_.Add(record, received, batch);
      if (ReasonOf(added) == "NOT_AN_EVENT" && IsForeign(record)) {
        source_.PassOver(record, added);
        continue;
      }
      DAYBOOK_RETURN_IF_ERROR(added);
    }
    source_.RaiseEnd(log_.highest());
    if (log_.repeats() > repeats) {
      source_.repeats_ += log_.repeats() - repeats;
      Log(LogLevel::kWarning, "dropped records that repeat events",
          {{"records", static_cast<std::int64_t>(log_.repeats() - repeats)}});
    }
    return absl::OkStatus();
  }

  // From now on with the others, if it is where they are.
  void Share() {
    std::unique_ptr<Consumer> unneeded;  // closing it takes a while
    absl::MutexLock lock(&mu_);
    std::optional<Shared> shared = source_.Share(consumer_, next_);
    if (!shared) return;
    tail_ = std::move(shared->tail);
    next_block_ = shared->block;
    unneeded = std::move(consumer_);
  }

  // Reads on only where the next event can be, as long as too much waits for it.
  absl::Status LimitAhead() {
    if (reading_ == Reading::kAll && log_.held_bytes() > source_.options_.ahead_bytes_max) {
      reading_ = Reading::kNeeded;
      reassign_ = true;
    }
    if (reading_ == Reading::kNeeded && log_.held_bytes() <= source_.options_.ahead_bytes_max / 2) {
      reading_ = Reading::kAll;
      reassign_ = true;
    }
    return reassign_ ? ReadAlone() : absl::OkStatus();
  }

  // With a consumer of its own, from where it stands. OK also if the broker does not answer; `reassign_` stays then.
  absl::Status ReadAlone() {
    const auto which = reading_ == Reading::kAll ? MergedLog::Which::kAll : MergedLog::Which::kNeeded;
    if (consumer_ == nullptr) {
      DAYBOOK_ASSIGN_OR_RETURN(std::unique_ptr<Consumer> consumer,
                               source_.bus_.NewConsumer({.name = source_.options_.name}));
      absl::MutexLock lock(&mu_);
      consumer_ = std::move(consumer);
      tail_.reset();
    }
    const std::vector<Start> starts = log_.Starts(which);
    const absl::Status assigned = consumer_->Assign(starts, source_.options_.answer_timeout);
    if (absl::IsUnavailable(assigned)) return absl::OkStatus();
    if (!assigned.ok()) return Explain(assigned);
    StartFrom(starts);
    reassign_ = false;
    return absl::OkStatus();
  }

  void StartFrom(const std::vector<Start>& starts) {
    for (const Start& start : starts) next_[start.partition.topic] = start.next;
  }

  void NoteOvertaken() {
    const Position missing = log_.missing();
    absl::MutexLock lock(&mu_);
    if (missing == overtaken_) return;
    overtaken_ = missing;
    overtaken_since_ = source_.options_.clock->Monotonic();
  }

  TopicEventSource& source_;
  std::atomic<bool> cancelled_{false};

  // The reader's thread only.
  MergedLog log_;
  NextOffsets next_;
  Reading reading_ = Reading::kAll;
  bool reassign_ = false;  // `reading_` is wanted, but not what it does yet
  absl::Status failed_;
  std::uint64_t next_block_ = 0;  // of tail_

  mutable absl::Mutex mu_;
  // One of the two. Changed by the reader's thread only, and under mu_, so that this thread reads them without.
  std::unique_ptr<Consumer> consumer_;
  std::shared_ptr<SharedTail> tail_;
  Position overtaken_ ABSL_GUARDED_BY(mu_);  // 0 = none
  absl::Duration overtaken_since_ ABSL_GUARDED_BY(mu_);
};

TopicEventSource::TopicEventSource(Bus& bus, TopicEventSourceOptions options)
    : bus_(bus), options_(std::move(options)) {}

void TopicEventSource::RaiseEnd(Position position) {
  std::uint64_t end = end_.load(std::memory_order_relaxed);
  while (end < position.value() && !end_.compare_exchange_weak(end, position.value(), std::memory_order_relaxed)) {
  }
}

std::optional<TopicEventSource::Shared> TopicEventSource::Share(std::unique_ptr<Consumer>& consumer,
                                                                const NextOffsets& next) {
  absl::MutexLock lock(&mu_);
  std::shared_ptr<SharedTail> tail = tail_.lock();
  if (tail == nullptr && consumer->CaughtUp()) {
    tail = std::make_shared<SharedTail>(std::move(consumer), next, options_.shared_bytes_max, *options_.clock);
    tail_ = tail;
  }
  if (tail == nullptr) return std::nullopt;
  const std::optional<std::uint64_t> block = tail->Join(next);
  if (!block) return std::nullopt;
  return Shared{std::move(tail), *block};
}

void TopicEventSource::PassOver(const Record& record, const absl::Status& why) {
  absl::MutexLock lock(&passing_over_mu_);
  if (passed_over_.size() >= kPassedOverMax) passed_over_.clear();
  if (!passed_over_.insert({{std::string(record.topic), record.partition}, record.offset}).second) return;
  ++foreign_;
  Log(LogLevel::kWarning, "a record that is no event is passed over", {{"why", std::string(why.message())}});
  if (options_.on_foreign) options_.on_foreign(record, why);
}

absl::StatusOr<Position> TopicEventSource::ReadEnd() {
  Position end;
  for (const std::string& topic : options_.topics) {
    const TopicPartition partition{topic, BusPartition(static_cast<std::int32_t>(options_.partition.value()))};
    const absl::StatusOr<Position> last = LastPosition(bus_, partition, options_.answer_timeout);
    if (absl::IsNotFound(last.status()) || absl::IsDeadlineExceeded(last.status())) {
      return absl::UnavailableError(
          absl::StrCat("the end of ", partition.ToString(), " cannot be read: ", last.status().message()));
    }
    if (!last.ok()) return last.status();
    end = std::max(end, *last);
  }
  return end;
}

absl::StatusOr<std::unique_ptr<projection::EventFeed>> TopicEventSource::Open(const projection::FeedStart& start) {
  std::vector<LaneMark> kept;
  if (start.after != Position()) {
    if (start.cursor.empty()) {
      return absl::FailedPreconditionError(
          "it was built from a log, not from topics; delete the read models to rebuild");
    }
    DAYBOOK_ASSIGN_OR_RETURN(kept, internal::DecodeMarks(start.cursor, options_.partition));
  }
  std::vector<LaneMark> marks;
  for (const std::string& topic : options_.topics) {
    LaneMark& mark = marks.emplace_back();
    mark.partition = {topic, BusPartition(static_cast<std::int32_t>(options_.partition.value()))};
    for (const LaneMark& old : kept) {
      if (old.partition.topic == topic) mark = old;
    }
  }
  DAYBOOK_ASSIGN_OR_RETURN(std::unique_ptr<Consumer> consumer, bus_.NewConsumer({.name = options_.name}));
  for (const LaneMark& mark : marks) {
    if (mark.position != Position()) continue;  // of those Assign says what is wrong
    DAYBOOK_RETURN_IF_ERROR(CheckExists(*consumer, mark.partition, options_.answer_timeout));
  }
  MergedLog log(std::move(marks), start.after, start.tip);
  DAYBOOK_RETURN_IF_ERROR(Explain(consumer->Assign(log.Starts(MergedLog::Which::kAll), options_.answer_timeout)));
  DAYBOOK_ASSIGN_OR_RETURN(const Position end, ReadEnd());
  if (end < start.after) {
    return absl::FailedPreconditionError(absl::StrCat("it is at position ", start.after.value(),
                                                      ", but the topics end at ", end.value(),
                                                      "; delete the read models to build them from these"));
  }
  RaiseEnd(end);
  return std::make_unique<Feed>(*this, std::move(consumer), std::move(log));
}

}  // namespace daybook::bus
