#include "daybook/bus/internal/state_record.h"

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/cloudevents/binary_mode.h"

namespace daybook::bus::internal {

absl::StatusOr<OutgoingRecord> EncodeState(std::string_view topic, PartitionId partition, Position position,
                                           const StateChange& change, const StateValue& value, HeaderList& headers) {
  const std::size_t slash = change.stream.find('/');
  if (slash == std::string_view::npos) return absl::DataLossError("a state without a stream");
  cloudevents::Context context;
  context.metadata = change.metadata;
  context.metadata.schema = 1;
  context.type = value.type;
  context.data_type = value.data_type;
  context.source = absl::StrCat(cloudevents::SourceOf(change.stream.substr(0, slash), partition), "/state");
  context.subject = std::string(change.stream);
  context.sequence = position;
  context.revision = change.revision;
  headers.Clear();
  DAYBOOK_RETURN_IF_ERROR(
      Annotate(cloudevents::EncodeBinary(context, headers), absl::StrCat("the state at position ", position.value())));
  OutgoingRecord record;
  record.topic = topic;
  record.partition = BusPartition(static_cast<std::int32_t>(partition.value()));
  record.key = change.stream.substr(slash + 1);
  if (value.data.has_value()) record.value = *value.data;
  record.headers = headers.view();
  return record;
}

}  // namespace daybook::bus::internal
