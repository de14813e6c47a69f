#ifndef DAYBOOK_CORE_AGGREGATE_H_
#define DAYBOOK_CORE_AGGREGATE_H_

#include <concepts>
#include <string_view>
#include <type_traits>
#include <variant>

#include "daybook/core/context.h"
#include "daybook/core/decision.h"

namespace daybook {

namespace internal {

template <class A, class C>
concept DecidesCommand = requires(const typename A::State& state, const C& command, const Context& context) {
  { A::Decide(state, command, context) } -> std::same_as<Decision<typename A::Event>>;
};

template <class A, class E>
concept EvolvesEvent = requires(typename A::State& state, const E& event) {
  { A::Evolve(state, event) } -> std::same_as<void>;
};

// One struct a pair, so that the compiler's message names the overload that is missing.
template <class A, class C>
struct CheckDecide {
  static_assert(DecidesCommand<A, C>,
                "aggregate lacks: static Decision Decide(const State&, const C&, const Context&)");
  static constexpr bool kOk = DecidesCommand<A, C>;
};

template <class A, class E>
struct CheckEvolve {
  static_assert(EvolvesEvent<A, E>, "aggregate lacks: static void Evolve(State&, const E&)");
  static constexpr bool kOk = EvolvesEvent<A, E>;
};

template <class A, class Commands>
struct CheckCommands : std::false_type {};
template <class A, class... Cs>
struct CheckCommands<A, std::variant<Cs...>> : std::bool_constant<(CheckDecide<A, Cs>::kOk && ...)> {};

template <class A, class Events>
struct CheckEvents : std::false_type {};
template <class A, class... Es>
struct CheckEvents<A, std::variant<Es...>> : std::bool_constant<(CheckEvolve<A, Es>::kOk && ...)> {};

template <class A>
concept HasAggregateTypes = requires {
  typename A::State;
  typename A::Command;
  typename A::Event;
  { A::kCategory } -> std::convertible_to<std::string_view>;
};

}  // namespace internal

// A pure decider: category, state, commands, events, and one overload of Decide per command and Evolve per event.
//
//   struct Payee {
//     static constexpr std::string_view kCategory = "payee";     // stream prefix; on disk for ever
//     using State = pb::PayeeState;                              // also the snapshot format
//     using Command = std::variant<pb::Register, pb::Suspend>;
//     using Event = std::variant<pb::Registered, pb::Suspended>;
//     static daybook::Decision<Event> Decide(const State&, const pb::Register&, const daybook::Context&);  // …one each
//     static void Evolve(State&, const pb::Registered&);                                                   // …one each
//   };
//   static_assert(daybook::Aggregate<Payee>);
//
// Invariants the framework relies on, and testing::Spec checks:
//   1. Decide reads nothing but its arguments: the same arguments give the same decision.
//   2. Evolve is total: it accepts every event ever written, in any state, and never throws.
//   3. State and every event survive a round trip through their wire form.
template <class A>
concept Aggregate = internal::HasAggregateTypes<A> && internal::CheckCommands<A, typename A::Command>::value &&
    internal::CheckEvents<A, typename A::Event>::value;

}  // namespace daybook

#endif  // DAYBOOK_CORE_AGGREGATE_H_
