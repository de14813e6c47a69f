#include "meter.h"

namespace meter {

Meter::Decision Meter::Decide(const State& state, const v1::Install& command, const daybook::Context&) {
  if (!state.place().empty()) return daybook::Unchanged{};
  v1::Installed installed;
  installed.set_place(command.place());
  return daybook::Emit(installed);
}

Meter::Decision Meter::Decide(const State& state, const v1::Read& command, const daybook::Context& context) {
  if (state.place().empty()) return daybook::Reject{daybook::Code::kNotFound, "NOT_INSTALLED", "", {}};
  if (command.kwh() < state.kwh()) return daybook::Reject{daybook::Code::kFailedPrecondition, "RUNS_BACK", "", {}};
  if (command.kwh() == state.kwh()) return daybook::Unchanged{};
  v1::ReadingTaken taken;
  taken.set_kwh(command.kwh());
  taken.set_taken_at_us(context.now.micros());
  return daybook::Emit(taken);
}

void Meter::Evolve(State& state, const v1::Installed& event) { state.set_place(event.place()); }
void Meter::Evolve(State& state, const v1::ReadingTaken& event) { state.set_kwh(event.kwh()); }

}  // namespace meter
