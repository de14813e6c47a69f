#include "daybook/bus/internal/topic_tail.h"

#include <cstddef>
#include <memory>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/internal/seeded_bugs.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/event_record.h"
#include "daybook/cloudevents/binary_mode.h"
#include "daybook/codec/envelope.h"

namespace daybook::bus::internal {
namespace {

// More than one, for what a dead connection had under way may have come in behind what was written after it.
constexpr std::size_t kTailRecords = 64;

// Records that are no events are somebody else's: what is published is known by the events' own numbers.
TopicTail HighestOf(const RecordBatch& batch) {
  TopicTail tail;
  for (const Record& record : batch.records()) {
    const absl::StatusOr<cloudevents::Context> context = cloudevents::DecodeBinary(record.headers);
    if (!context.ok() || context->sequence <= tail.position) continue;
    tail = {context->sequence, context->metadata.event_id, Offset()};
  }
  if (!batch.empty()) tail.end = batch.records().back().offset.Next();
  return tail;
}

absl::Status CheckNeverWritten(Bus& bus, const TopicPartition& partition, absl::Duration timeout) {
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<Consumer> consumer, bus.NewConsumer({.name = "tail"}));
  DAYBOOK_ASSIGN_OR_RETURN(const OffsetRange range, consumer->Offsets(partition, timeout));
  if (range.end == Offset(0)) return absl::OkStatus();
  return WithReason(
      absl::FailedPreconditionError(
          absl::StrCat(partition.ToString(), " had ", range.end.value(), " records and has lost all of them: what was ",
                       "published is not known. Give it retention.ms=-1; make it anew to publish the log again")),
      "TOPIC_EXPIRED");
}

// The first event says which one the log has before it in this topic: none, or everything before it is lost.
absl::Status CheckBeginning(Bus& bus, const TopicPartition& partition, absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  const auto left = [deadline] { return deadline - MonotonicNow(); };
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<Consumer> consumer, bus.NewConsumer({.name = "tail"}));
  const Start start{.partition = partition, .next = Offset(), .last = std::nullopt};
  DAYBOOK_RETURN_IF_ERROR(consumer->Assign({&start, 1}, left()));
  while (!consumer->CaughtUp()) {
    if (left() < absl::ZeroDuration()) return absl::DeadlineExceededError("the first record was not read in time");
    DAYBOOK_ASSIGN_OR_RETURN(const RecordBatch batch, consumer->Poll({.records_max = 1}));
    for (const Record& record : batch.records()) {
      const absl::StatusOr<EventRecord> event = DecodeEvent(record);
      if (!event.ok()) continue;
      if (event->previous == Position()) return absl::OkStatus();
      return WithReason(
          absl::DataLossError(absl::StrCat(
              partition.ToString(), " begins with position ", event->position.value(), ", which follows on position ",
              event->previous.value(), ": what was before it is lost (to retention, or the topic was made anew while ",
              "events were being published). Make it anew while this process is down: it is filled again from ",
              "position 1")),
          "EVENTS_MISSING");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TopicTail> FindTail(Bus& bus, const TopicPartition& partition, TopicKind kind, absl::Duration timeout) {
  if (daybook::internal::SeededBug("tail_not_read_back")) [[unlikely]]
    return TopicTail();
  for (std::size_t count = kTailRecords;; count *= kTailRecords) {
    DAYBOOK_ASSIGN_OR_RETURN(const RecordBatch batch, ReadTail(bus, partition, count, timeout));
    const TopicTail tail = HighestOf(batch);
    if (tail.position == Position() && batch.size() == count) continue;  // none of all these is ours
    if (kind == TopicKind::kEvents) {
      DAYBOOK_RETURN_IF_ERROR(batch.empty() ? CheckNeverWritten(bus, partition, timeout)
                                            : CheckBeginning(bus, partition, timeout));
    }
    return tail;
  }
}

absl::Status CheckTail(const TopicTail& tail, const TopicPartition& partition, store::EventStore& store) {
  if (tail.position == Position()) return absl::OkStatus();
  const auto cursor = store.ReadAll(tail.position);
  DAYBOOK_ASSIGN_OR_RETURN(const bool found, cursor->Next());
  if (!found) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          partition.ToString(), " holds position ", tail.position.value(), ", and the log ends at ",
                          store.DurableWatermark().value(), ": the log was restored from an older backup, or the ",
                          "topic belongs to another one")),
                      "TOPIC_AHEAD_OF_LOG");
  }
  DAYBOOK_ASSIGN_OR_RETURN(const EventMetadata metadata, codec::DecodeEnvelope(cursor->event().envelope));
  if (metadata.event_id == tail.event_id) return absl::OkStatus();
  return WithReason(absl::FailedPreconditionError(
                        absl::StrCat(partition.ToString(), " holds event ", tail.event_id.ToString(), " at position ",
                                     tail.position.value(), ", where the log has ", metadata.event_id.ToString())),
                    "TOPIC_OF_ANOTHER_LOG");
}

}  // namespace daybook::bus::internal
