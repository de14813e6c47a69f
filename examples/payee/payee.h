#ifndef PAYEE_PAYEE_H_
#define PAYEE_PAYEE_H_

#include <string_view>
#include <variant>

#include "daybook/core/aggregate.h"
#include "payee/v1/payee.pb.h"

namespace payee {

// [aggregate]
// Somebody who may be paid: registered once, active until suspended.
struct Payee {
  static constexpr std::string_view kCategory = "payee";      // the streams' prefix; on disk for ever
  using State = v1::State;                                    // also the snapshots' format
  using Command = std::variant<v1::Register, v1::Suspend>;    // imperative
  using Event = std::variant<v1::Registered, v1::Suspended>;  // past tense
  using Decision = daybook::Decision<Event>;

  // Pure: state, command and context are all they may read.
  static Decision Decide(const State& state, const v1::Register& command, const daybook::Context& context);
  static Decision Decide(const State& state, const v1::Suspend& command, const daybook::Context& context);
  // Total: they accept every event ever written.
  static void Evolve(State& state, const v1::Registered& event);
  static void Evolve(State& state, const v1::Suspended& event);
};
static_assert(daybook::Aggregate<Payee>);  // a missing overload is a compile error that names it
// [aggregate]

}  // namespace payee

#endif  // PAYEE_PAYEE_H_
