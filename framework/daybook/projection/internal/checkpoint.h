#ifndef DAYBOOK_PROJECTION_INTERNAL_CHECKPOINT_H_
#define DAYBOOK_PROJECTION_INTERNAL_CHECKPOINT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "daybook/core/strong.h"
#include "daybook/projection/event_source.h"

namespace daybook::projection::internal {

// How far a projection's table has come; committed with its rows.
struct Checkpoint {
  Position position;         // 0 = nothing folded yet
  std::uint64_t events = 0;  // applied, of the types that the projection knows
  LogTip tip = {};           // of the event at `position`
  std::string parked;        // cursor of parked events; empty as long as nothing can be parked
  std::string cursor;        // where the source goes on; empty if the position says it all
};

std::string EncodeCheckpoint(const Checkpoint& checkpoint);
// kDataLoss: cut or damaged. kFailedPrecondition: of a format that this program does not know.
absl::StatusOr<Checkpoint> DecodeCheckpoint(std::string_view bytes);

}  // namespace daybook::projection::internal

#endif  // DAYBOOK_PROJECTION_INTERNAL_CHECKPOINT_H_
