#ifndef DAYBOOK_CORE_PROCESS_MANAGER_H_
#define DAYBOOK_CORE_PROCESS_MANAGER_H_

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "daybook/core/recorded.h"

namespace daybook {

// How an event concerns a process: it begins one, goes to a running one, ends one, or is none of its business.
//
//   return Route::Start(e.stream.key());
//
// Thread safety: a value type. The runner for process managers is not built yet; the concept fixes the user's side.
class Route {
 public:
  enum class Verb { kIgnore, kStart, kContinue, kStop };

  static Route Ignore() { return Route(Verb::kIgnore, {}); }
  static Route Start(std::string_view process_key) { return Route(Verb::kStart, process_key); }
  static Route Continue(std::string_view process_key) { return Route(Verb::kContinue, process_key); }
  static Route Stop(std::string_view process_key) { return Route(Verb::kStop, process_key); }

  Verb verb() const { return verb_; }
  const std::string& process_key() const { return process_key_; }

 private:
  Route(Verb verb, std::string_view key) : verb_(verb), process_key_(key) {}

  Verb verb_;
  std::string process_key_;
};

namespace internal {

template <class P, class E>
concept RoutesEvent = requires(const Recorded<E>& recorded) {
  { P::RouteOf(recorded) } -> std::same_as<Route>;
};

template <class P, class E>
struct CheckRoute {
  static_assert(RoutesEvent<P, E>, "process manager lacks: static Route RouteOf(const Recorded<E>&)");
  static constexpr bool kOk = RoutesEvent<P, E>;
};

template <class P, class Inputs>
struct CheckRoutes : std::false_type {};
template <class P, class... Es>
struct CheckRoutes<P, std::variant<Es...>> : std::bool_constant<(CheckRoute<P, Es>::kOk && ...)> {};

}  // namespace internal

// Event in, commands out: an aggregate of its own whose commands are other aggregates' events, routed by RouteOf.
// Input is the std::variant of the events it listens to.
template <class P>
concept ProcessManager = requires {
  { P::kCategory } -> std::convertible_to<std::string_view>;
  typename P::State;
  typename P::Input;
}
&&internal::CheckRoutes<P, typename P::Input>::value;

}  // namespace daybook

#endif  // DAYBOOK_CORE_PROCESS_MANAGER_H_
