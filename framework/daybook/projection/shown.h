#ifndef DAYBOOK_PROJECTION_SHOWN_H_
#define DAYBOOK_PROJECTION_SHOWN_H_

#include <functional>
#include <string_view>

#include "daybook/core/recorded.h"
#include "daybook/core/strong.h"
#include "daybook/core/timestamp.h"
#include "daybook/projection/event_source.h"

namespace daybook::projection {

// A command whose events a read model shows now, and when it passed each stage of its way.
struct Shown {
  std::string_view projection;
  Position position;              // of the command's last event
  const EventMetadata& metadata;  // of that event: source_time, recorded_at
  Arrival arrival;                // of that event
  Timestamp shown;                // the batch that holds it is committed
};

// Told of every command that a projection has applied, in order, on the projection's thread: quick. Not of what was in
// the log already when the projection started: a rebuild says nothing about the present lag.
using ShownHandler = std::function<void(const Shown&)>;

}  // namespace daybook::projection

#endif  // DAYBOOK_PROJECTION_SHOWN_H_
