// expect-gcc: could not convert
// expect-clang: no viable conversion
#include <string>

#include "door.h"

DoorDecision Decide() {
#ifdef FIXED
  return daybook::Reject{daybook::Code::kNotFound, "NO_DOOR", "", {}};
#else
  return std::string("NO_DOOR");
#endif
}
