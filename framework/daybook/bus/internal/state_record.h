#ifndef DAYBOOK_BUS_INTERNAL_STATE_RECORD_H_
#define DAYBOOK_BUS_INTERNAL_STATE_RECORD_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "daybook/bus/record.h"
#include "daybook/bus/state_fold.h"
#include "daybook/core/strong.h"

namespace daybook::bus::internal {

// A state as a record of its compacted topic: as bus/event_record.h, but ce_type says what the change was,
// ce_dataschema what the value is, ce_source ends in "/state", and ce_id and ce_sequence are those of the last event in
// it. A null value: the aggregate is gone. The record refers to the arguments; `headers` is replaced.
absl::StatusOr<OutgoingRecord> EncodeState(std::string_view topic, PartitionId partition, Position position,
                                           const StateChange& change, const StateValue& value, HeaderList& headers);

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_INTERNAL_STATE_RECORD_H_
