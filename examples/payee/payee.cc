#include "payee/payee.h"

namespace payee {

using daybook::Code;
using daybook::Context;
using daybook::Emit;
using daybook::Reject;
using daybook::Unchanged;

// [decide]
Payee::Decision Payee::Decide(const State& state, const v1::Register& command, const Context&) {
  if (command.name().empty()) {
    return Reject{Code::kInvalidArgument, "NAME_MISSING", "A payee has a name.", {{"/name", "REQUIRED", "is empty"}}};
  }
  if (state.status() != State::STATUS_UNSPECIFIED) {
    if (state.name() == command.name()) return Unchanged{};  // a retry is not an error
    return Reject{Code::kAlreadyExists, "REGISTERED", "The payee is registered under another name.", {}};
  }
  v1::Registered registered;
  registered.set_name(command.name());
  return Emit(registered);
}

Payee::Decision Payee::Decide(const State& state, const v1::Suspend& command, const Context& context) {
  if (state.status() == State::STATUS_UNSPECIFIED) return Reject{Code::kNotFound, "NOT_REGISTERED", "", {}};
  if (state.status() == State::STATUS_SUSPENDED) return Unchanged{};
  v1::Suspended suspended;
  suspended.set_reason(command.reason());
  suspended.set_suspended_at_us(context.now.micros());
  return Emit(suspended);
}
// [decide]

// [evolve]
void Payee::Evolve(State& state, const v1::Registered& event) {
  state.set_status(State::STATUS_ACTIVE);
  state.set_name(event.name());
}

void Payee::Evolve(State& state, const v1::Suspended&) { state.set_status(State::STATUS_SUSPENDED); }
// [evolve]

}  // namespace payee
