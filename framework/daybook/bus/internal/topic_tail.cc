#include "daybook/bus/internal/topic_tail.h"

#include <cstddef>
#include <memory>

#include "absl/strings/str_cat.h"
#include "daybook/base/internal/seeded_bugs.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/cloudevents/binary_mode.h"
#include "daybook/codec/envelope.h"

namespace daybook::bus::internal {
namespace {

// More than one, for what a dead connection had under way may have come in behind what was written after it.
constexpr std::size_t kTailRecords = 64;

absl::Status NoEvent(const Record& record, const absl::Status& why) {
  return WithReason(absl::InvalidArgumentError(absl::StrCat(ToAbsl(record.topic), "/", record.partition.value(), "@",
                                                            record.offset.value(), ": ", why.message())),
                    "NOT_AN_EVENT");
}

absl::StatusOr<TopicTail> HighestOf(const RecordBatch& batch) {
  TopicTail tail;
  for (const Record& record : batch.records()) {
    const absl::StatusOr<cloudevents::Context> context = cloudevents::DecodeBinary(record.headers);
    if (!context.ok()) return NoEvent(record, context.status());
    if (context->sequence == Position()) return NoEvent(record, absl::InvalidArgumentError("it has no sequence"));
    if (context->sequence > tail.position) tail = {context->sequence, context->metadata.event_id};
  }
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

}  // namespace

absl::StatusOr<TopicTail> FindTail(Bus& bus, const TopicPartition& partition, TopicKind kind, absl::Duration timeout) {
  if (daybook::internal::SeededBug("tail_not_read_back")) [[unlikely]]
    return TopicTail();
  DAYBOOK_ASSIGN_OR_RETURN(const RecordBatch batch, ReadTail(bus, partition, kTailRecords, timeout));
  if (batch.empty() && kind == TopicKind::kEvents) {
    DAYBOOK_RETURN_IF_ERROR(CheckNeverWritten(bus, partition, timeout));
  }
  return HighestOf(batch);
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
