// expect-gcc: no matching function for call to
// expect-clang: no matching function for call to
// expect: Emit
#include "door.h"

DoorDecision Decide() {
#ifdef FIXED
  return daybook::Unchanged{};
#else
  return daybook::Emit();
#endif
}
