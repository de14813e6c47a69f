#ifndef DAYBOOK_CORE_DECISION_H_
#define DAYBOOK_CORE_DECISION_H_

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace daybook {

// Why a command was refused, numerically equal to the canonical gRPC codes; only those a domain can mean.
enum class Code : int {
  kInvalidArgument = 3,     // the command breaks a rule, whatever the state: HTTP 422
  kNotFound = 5,            // what it names does not exist: 404
  kAlreadyExists = 6,       // what it creates exists: 409
  kPermissionDenied = 7,    // this actor may not: 403
  kFailedPrecondition = 9,  // it conflicts with the present state: 409
};

// One broken rule, with the place in the caller's document that broke it.
struct Violation {
  std::string pointer;  // JSON pointer (RFC 6901) into the request, e.g. "/bank_accounts/0/iban"
  std::string code;     // UPPER_SNAKE_CASE, stable for ever, e.g. "IBAN_CHECKSUM"
  std::string detail;   // one sentence for a person

  friend bool operator==(const Violation&, const Violation&) = default;
};

// The domain says no. A stored outcome: the same command id gets it again.
struct Reject {
  Code code = Code::kFailedPrecondition;
  std::string reason;                 // UPPER_SNAKE_CASE, stable, e.g. "NOT_REGISTERED"
  std::string message;                // one sentence for a person; may be empty
  std::vector<Violation> violations;  // all at once, not the first one

  friend bool operator==(const Reject&, const Reject&) = default;
};

// What the command asks for is already so. Not an error: a retry ends here.
struct Unchanged {
  friend bool operator==(const Unchanged&, const Unchanged&) = default;
};

namespace internal {
template <class T, class Variant>
struct IsAlternativeOf : std::false_type {};
template <class T, class... Ts>
struct IsAlternativeOf<T, std::variant<Ts...>> : std::bool_constant<(std::same_as<T, Ts> || ...)> {};

template <class... Es>
struct EmitList {
  std::tuple<Es...> events;
};
}  // namespace internal

// What a command came to: events, nothing to do, or a refusal. Event is a std::variant of messages.
//
//   if (state.suspended()) return Unchanged{};
//   return Emit(std::move(suspended), std::move(notified));
//
// Thread safety: a value type. Invariant: a Decision made from an empty list of events is Unchanged.
template <class Event>
class Decision {
 public:
  Decision(Unchanged u) : value_(u) {}
  Decision(Reject r) : value_(std::move(r)) {}
  template <class... Es>
  requires(internal::IsAlternativeOf<Es, Event>::value&&...) Decision(internal::EmitList<Es...> list) {
    std::vector<Event> events;
    events.reserve(sizeof...(Es));
    std::apply([&](auto&&... e) { (events.emplace_back(std::move(e)), ...); }, std::move(list.events));
    Take(std::move(events));
  }
  // For a number of events known only at run time.
  explicit Decision(std::vector<Event> events) { Take(std::move(events)); }

  bool emits() const { return std::holds_alternative<std::vector<Event>>(value_); }
  bool unchanged() const { return std::holds_alternative<Unchanged>(value_); }
  bool rejected() const { return std::holds_alternative<Reject>(value_); }

  // Precondition: emits().
  const std::vector<Event>& events() const { return std::get<std::vector<Event>>(value_); }
  std::vector<Event>& events() { return std::get<std::vector<Event>>(value_); }
  // Precondition: rejected().
  const Reject& rejection() const { return std::get<Reject>(value_); }

 private:
  void Take(std::vector<Event> events) {
    if (!events.empty()) value_ = std::move(events);
  }

  std::variant<Unchanged, Reject, std::vector<Event>> value_;
};

// The verb for "these happened", in order. Every argument is one of the aggregate's event types.
template <class... Es>
requires(sizeof...(Es) > 0) internal::EmitList<std::remove_cvref_t<Es>...> Emit(Es&&... events) {
  return {std::tuple<std::remove_cvref_t<Es>...>(std::forward<Es>(events)...)};
}

}  // namespace daybook

#endif  // DAYBOOK_CORE_DECISION_H_
