#ifndef DAYBOOK_BUS_INTERNAL_RECORD_CONTEXT_H_
#define DAYBOOK_BUS_INTERNAL_RECORD_CONTEXT_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/bus/record.h"
#include "daybook/cloudevents/binary_mode.h"
#include "daybook/core/stream_id.h"

namespace daybook::bus::internal {

// The stream of a record that holds one message, be it a command or an event. kInvalidArgument unless its content is a
// message of the type that the context names, and its key that of the stream.
absl::StatusOr<StreamId> StreamOf(const cloudevents::Context& context, const Record& record);

// Why the record cannot be read, after its place: kInvalidArgument with `reason`.
absl::Status Unreadable(const Record& record, const absl::Status& why, std::string_view reason);

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_INTERNAL_RECORD_CONTEXT_H_
