#include "daybook/bus/command_record.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/bus/internal/record_context.h"
#include "daybook/cloudevents/binary_mode.h"

namespace daybook::bus {

using cloudevents::FindHeader;

namespace {

absl::StatusOr<BusCommand> CommandOf(cloudevents::Context context, const Record& record) {
  BusCommand command;
  DAYBOOK_ASSIGN_OR_RETURN(command.stream, internal::StreamOf(context, record));
  command.id = CommandId(context.metadata.event_id);
  command.type = std::move(context.type);
  command.payload = std::string(*record.value);
  command.source = std::move(context.source);
  command.actor = std::move(context.metadata.actor);
  command.correlation_id = std::move(context.metadata.correlation_id);
  command.causation_id = std::move(context.metadata.causation_id);
  command.traceparent = std::move(context.metadata.traceparent);
  // Without a recordedtime, `time` reads as both.
  command.source_time = context.metadata.source_time;
  if (!command.source_time && FindHeader(record.headers, "ce_time")) {
    command.source_time = context.metadata.recorded_at;
  }
  command.source_change = std::move(context.metadata.source_change);
  command.extensions = std::move(context.extensions);
  return command;
}

}  // namespace

absl::StatusOr<OutgoingRecord> EncodeCommand(std::string_view topic, const BusCommand& command, HeaderList& headers) {
  if (command.id == CommandId()) return absl::InvalidArgumentError("a command without an id");
  if (!command.stream.IsValid()) {
    return absl::InvalidArgumentError(absl::StrCat("command ", command.id.ToString(), " has no valid stream"));
  }
  cloudevents::Context context;
  context.type = command.type;
  context.source = command.source;
  context.subject = command.stream.text();
  context.metadata.event_id = command.id.uuid();
  context.metadata.actor = command.actor;
  context.metadata.correlation_id = command.correlation_id;
  context.metadata.causation_id = command.causation_id;
  context.metadata.traceparent = command.traceparent;
  context.metadata.source_time = command.source_time;
  context.metadata.source_change = command.source_change;
  context.extensions = command.extensions;
  headers.Clear();
  DAYBOOK_RETURN_IF_ERROR(
      Annotate(cloudevents::EncodeBinary(context, headers), absl::StrCat("command ", command.id.ToString())));
  OutgoingRecord record;
  record.topic = topic;
  record.key = command.stream.key();
  record.value = command.payload;
  record.headers = headers.view();
  return record;
}

absl::StatusOr<BusCommand> DecodeCommand(const Record& record) {
  absl::StatusOr<cloudevents::Context> context = cloudevents::DecodeBinary(record.headers);
  absl::StatusOr<BusCommand> command =
      context.ok() ? CommandOf(*std::move(context), record) : absl::StatusOr<BusCommand>(context.status());
  if (command.ok()) return command;
  return internal::Unreadable(record, command.status(), "NOT_A_COMMAND");
}

}  // namespace daybook::bus
