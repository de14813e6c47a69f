// expect: aggregate lacks: static Decision Decide(const State&, const C&, const Context&)
// expect-gcc: C = Close
// expect-clang: CheckDecide<Door, Close>
#include "door.h"

struct Door : DoorTypes {
  static DoorDecision Decide(const State&, const Open&, const daybook::Context&);
#ifdef FIXED
  static DoorDecision Decide(const State&, const Close&, const daybook::Context&);
#endif
  static void Evolve(State&, const Opened&);
  static void Evolve(State&, const Closed&);
};
static_assert(daybook::Aggregate<Door>);
