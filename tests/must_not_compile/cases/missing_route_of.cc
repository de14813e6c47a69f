// expect: process manager lacks: static Route RouteOf(const Recorded<E>&)
// expect-gcc: E = Closed
// expect-clang: CheckRoute<Alarm, Closed>
#include "door.h"

struct Alarm {
  static constexpr std::string_view kCategory = "alarm";
  struct State {};
  using Input = std::variant<Opened, Closed>;
  static daybook::Route RouteOf(const daybook::Recorded<Opened>&);
#ifdef FIXED
  static daybook::Route RouteOf(const daybook::Recorded<Closed>&);
#endif
};
static_assert(daybook::ProcessManager<Alarm>);
