#include "daybook/bus/event_record.h"

#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/shape.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/internal/record_context.h"
#include "daybook/cloudevents/binary_mode.h"
#include "daybook/codec/envelope.h"

namespace daybook::bus {
namespace {

constexpr std::string_view kPrevious = "previoussequence";

absl::Status Wrong(const std::string& what) { return absl::InvalidArgumentError(what); }

absl::StatusOr<Position> PreviousOf(const cloudevents::Context& context) {
  for (const auto& [name, value] : context.extensions) {
    if (name != kPrevious) continue;
    std::uint64_t previous = 0;
    if (!absl::SimpleAtoi(value, &previous))
      return Wrong(absl::StrCat("its previoussequence is no number: ", ShapeOf(value)));
    if (previous >= context.sequence.value()) return Wrong("its previoussequence is not before its sequence");
    return Position(previous);
  }
  return Position();
}

absl::StatusOr<EventRecord> EventOf(cloudevents::Context context, const Record& record) {
  EventRecord event;
  DAYBOOK_ASSIGN_OR_RETURN(event.stream, internal::StreamOf(context, record));
  event.partition = PartitionId(static_cast<std::uint32_t>(record.partition.value()));
  if (context.source != cloudevents::SourceOf(event.stream.category(), event.partition)) {
    return Wrong(absl::StrCat("its source ", ShapeOf(context.source), " is not this partition of ",
                              ToAbsl(event.stream.category())));
  }
  if (context.sequence == Position()) return Wrong("it has no sequence");
  if (context.revision == Revision()) return Wrong("it has no revision");
  if (context.metadata.event_index >= context.metadata.event_count)
    return Wrong("its eventindex is not below eventcount");
  DAYBOOK_ASSIGN_OR_RETURN(event.previous, PreviousOf(context));
  event.type = *cloudevents::FindHeader(record.headers, "ce_type");
  event.revision = context.revision;
  event.position = context.sequence;
  event.metadata = std::move(context.metadata);
  event.data = *record.value;
  return event;
}

}  // namespace

absl::StatusOr<OutgoingRecord> EncodeEvent(std::string_view topic, const EventToSend& to_send, HeaderList& headers) {
  const store::EventView& event = *to_send.event;
  const auto at = [&] { return absl::StrCat("the event at position ", event.position.value()); };
  const std::size_t slash = event.stream.find('/');
  if (slash == std::string_view::npos) return absl::DataLossError(absl::StrCat(at(), " has no stream"));
  cloudevents::Context context;
  absl::StatusOr<EventMetadata> metadata = codec::DecodeEnvelope(event.envelope);
  DAYBOOK_RETURN_IF_ERROR(Annotate(metadata.status(), at()));
  context.metadata = *std::move(metadata);
  context.metadata.event_index = event.index;
  context.metadata.event_count = event.count;
  context.type = std::string(event.type);
  context.source = cloudevents::SourceOf(event.stream.substr(0, slash), to_send.partition);
  context.subject = std::string(event.stream);
  context.sequence = event.position;
  context.revision = event.revision;
  if (to_send.previous != Position()) {
    context.extensions.emplace_back(kPrevious, cloudevents::SequenceText(to_send.previous));
  }
  headers.Clear();
  DAYBOOK_RETURN_IF_ERROR(Annotate(cloudevents::EncodeBinary(context, headers), at()));
  OutgoingRecord record;
  record.topic = topic;
  record.partition = BusPartition(static_cast<std::int32_t>(to_send.partition.value()));
  record.key = event.stream.substr(slash + 1);
  record.value = event.data;
  record.headers = headers.view();
  return record;
}

absl::StatusOr<EventRecord> DecodeEvent(const Record& record) {
  absl::StatusOr<cloudevents::Context> context = cloudevents::DecodeBinary(record.headers);
  absl::StatusOr<EventRecord> event =
      context.ok() ? EventOf(*std::move(context), record) : absl::StatusOr<EventRecord>(context.status());
  if (event.ok()) return event;
  return internal::Unreadable(record, event.status(), "NOT_AN_EVENT");
}

store::EventView ViewOf(const EventRecord& event, std::string& envelope) {
  envelope.clear();
  codec::EncodeEnvelope(event.metadata, envelope);
  store::EventView view;
  view.stream = event.stream.text();
  view.revision = event.revision;
  view.position = event.position;
  view.index = event.metadata.event_index;
  view.count = event.metadata.event_count;
  view.type = event.type;
  view.envelope = envelope;
  view.data = event.data;
  return view;
}

}  // namespace daybook::bus
