// expect-gcc: could not convert 'position'
// expect-clang: no viable conversion from 'StrongNumber<struct PositionTag>' to 'StrongNumber<struct RevisionTag>'
#include "door.h"

void Show(const Opened& event, const daybook::StreamId& stream, daybook::Revision revision, daybook::Position position,
          const daybook::EventMetadata& metadata) {
#ifdef FIXED
  daybook::Recorded<Opened> recorded{event, stream, revision, position, daybook::PartitionId(), metadata};
#else
  daybook::Recorded<Opened> recorded{event, stream, position, revision, daybook::PartitionId(), metadata};
#endif
  static_cast<void>(recorded);
}
