// expect: projection lacks: static void On(const Recorded<E>&, ViewWriter&)
// expect-gcc: E = Closed
// expect-clang: CheckOn<OpenDoors, Closed>
#include "door.h"

struct Door : DoorTypes {};

struct OpenDoors {
  static constexpr std::string_view kName = "open_doors.v1";
  static void On(const daybook::Recorded<Opened>&, daybook::ViewWriter&);
#ifdef FIXED
  static void On(const daybook::Recorded<Closed>&, daybook::ViewWriter&);
#endif
};
static_assert(daybook::ProjectionOf<OpenDoors, Door>);
