// expect: kName
#include "door.h"

struct Door : DoorTypes {};

struct OpenDoors {
#ifdef FIXED
  static constexpr std::string_view kName = "open_doors.v1";
#endif
  static void On(const daybook::Recorded<Opened>&, daybook::ViewWriter&);
  static void On(const daybook::Recorded<Closed>&, daybook::ViewWriter&);
};
static_assert(daybook::ProjectionOf<OpenDoors, Door>);
