// expect-gcc: could not convert
// expect-clang: no viable conversion
// expect: Painted
#include "door.h"

DoorDecision Decide() {
#ifdef FIXED
  return daybook::Emit(Opened{}, Closed{});
#else
  return daybook::Emit(Opened{}, Painted{});
#endif
}
