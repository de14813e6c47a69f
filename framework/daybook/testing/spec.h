#ifndef DAYBOOK_TESTING_SPEC_H_
#define DAYBOOK_TESTING_SPEC_H_

#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "daybook/base/uuid_source.h"
#include "daybook/core/aggregate.h"
#include "daybook/testing/fake_ids.h"

namespace daybook::testing {

namespace internal {

// The bytes that two equal messages share.
std::string WireBytes(const google::protobuf::Message& message);

// "package.Type { … }" in protobuf text form.
std::string Describe(const google::protobuf::Message& message);

// "kNotFound", as the enumerator is written.
std::string_view NameOf(Code code);

std::string Describe(const Reject& rejection);

}  // namespace internal

// Given-when-then for a decider whose commands, events and state are protobuf messages.
//
//   using PayeeSpec = daybook::testing::Spec<Payee>;
//   PayeeSpec().Given(Registered("Alice")).At(1700).When(Suspend("fraud")).Then(Suspended("fraud", 1700));
//   PayeeSpec().Given(Registered("Alice"), Suspended("fraud", 1)).When(Suspend("fraud")).ThenNothing();
//   PayeeSpec().When(Suspend("fraud")).ThenRejected(Code::kNotFound, "NOT_REGISTERED");
//
// Thread safety: one thread. A failure is a gtest failure at the line of `PayeeSpec()`, with both sides as text.
// What every When checks besides the expectation:
//   1. each given and each emitted event, and the state before and after, survives the wire unchanged;
//   2. deciding twice gives the same decision, so nothing but the arguments was read;
//   3. folding the decoded events gives the same state as folding the emitted ones.
template <Aggregate A>
class Spec {
 public:
  using State = typename A::State;
  using Event = typename A::Event;

  explicit Spec(const char* file = __builtin_FILE(), int line = __builtin_LINE()) : file_(file), line_(line) {
    context_.command_id = NumberedCommandId(1);
    context_.stream = StreamId(A::kCategory, NumberedCommandId(9).ToString());
    context_.ids = &SystemNameBasedIds();
  }

  // Folds what already happened, in this order. May be called again to add more.
  template <class... Es>
  requires(daybook::internal::IsAlternativeOf<std::remove_cvref_t<Es>, Event>::value&&...) Spec& Given(
      const Es&... events) {
    (Fold(events), ...);
    return *this;
  }
  Spec& Given(const std::vector<Event>& events) {
    for (const Event& event : events) {
      std::visit([this](const auto& e) { this->Fold(e); }, event);
    }
    return *this;
  }

  // The context's time, in milliseconds since 1970, or as it is. Default: 0.
  Spec& At(std::int64_t now_ms) { return At(Timestamp::FromMillis(now_ms)); }
  Spec& At(Timestamp now) {
    context_.now = now;
    return *this;
  }
  // Who asks. Default: unknown.
  Spec& As(std::string_view actor) {
    context_.actor = std::string(actor);
    return *this;
  }
  // Default: NumberedCommandId(1).
  Spec& WithCommandId(CommandId id) {
    context_.command_id = id;
    return *this;
  }
  // The key of the stream. Default: the text of NumberedCommandId(9).
  Spec& On(std::string_view key) {
    context_.stream = StreamId(A::kCategory, key);
    return *this;
  }

  // Decides. A second When goes on from the state that the first one's events led to.
  template <class C>
  requires(daybook::internal::IsAlternativeOf<C, typename A::Command>::value) Spec& When(const C& command) {
    if (decision_.has_value() && decision_->emits()) Given(std::vector<Event>(std::move(decision_->events())));
    context_.revision = Revision(given_count_);
    command_text_ = internal::Describe(command);
    C decoded;
    CheckWire(command, decoded, "command");
    decision_ = A::Decide(state_, decoded, context_);
    CheckSame(*decision_, A::Decide(state_, decoded, context_), "deciding twice differs");
    after_ = state_;
    if (decision_->emits()) FoldDecision();
    retry_ = A::Decide(after_, decoded, AdvancedContext());
    return *this;
  }

  // Exactly these events, in this order.
  template <class... Es>
  requires(sizeof...(Es) > 0 && (daybook::internal::IsAlternativeOf<std::remove_cvref_t<Es>, Event>::value &&
                                 ...)) Spec& Then(const Es&... events) {
    return Then(std::vector<Event>{Event(events)...});
  }
  Spec& Then(const std::vector<Event>& events) {
    CheckSame(Decided(), Decision<Event>(events), "the decision differs");
    return *this;
  }

  // Unchanged.
  Spec& ThenNothing() {
    CheckSame(Decided(), Decision<Event>(Unchanged{}), "the decision differs");
    return *this;
  }

  // Refused with this code and reason, whatever the message.
  Spec& ThenRejected(Code code, std::string_view reason) {
    const Decision<Event>& d = Decided();
    if (!d.rejected() || d.rejection().code != code || d.rejection().reason != reason) {
      Fail("the decision differs", std::string(internal::NameOf(code)) + " " + std::string(reason), Describe(d));
    }
    return *this;
  }
  // …and with violations at exactly these JSON pointers, in any order.
  Spec& ThenRejected(Code code, std::string_view reason, std::initializer_list<std::string_view> pointers) {
    ThenRejected(code, reason);
    if (!Decided().rejected()) return *this;
    std::vector<std::string> want(pointers.begin(), pointers.end());
    std::vector<std::string> got;
    for (const Violation& v : Decided().rejection().violations) got.push_back(v.pointer);
    std::sort(want.begin(), want.end());
    std::sort(got.begin(), got.end());
    if (want != got) Fail("the violations differ", Join(want), Describe(Decided()));
    return *this;
  }

  // The state after the events: equal to a message, or as a predicate wants it.
  Spec& ThenState(const State& expected) {
    Decided();
    if (internal::WireBytes(expected) != internal::WireBytes(after_)) {
      Fail("the state differs", internal::Describe(expected), internal::Describe(after_));
    }
    return *this;
  }
  template <class P>
  requires std::predicate<const P&, const State&> Spec& ThenState(const P& predicate) {
    Decided();
    if (!predicate(std::as_const(after_))) Fail("the state is not as wanted", "predicate", internal::Describe(after_));
    return *this;
  }

  // The same command on the state it led to changes nothing more.
  Spec& ThenRetryIsUnchanged() {
    Decided();
    CheckSame(*retry_, Decision<Event>(Unchanged{}), "a retry on the new state is not Unchanged");
    return *this;
  }

  // The state after When (before it: after Given), and the decision, for what the sentences above cannot say.
  const State& state() const { return decision_.has_value() ? after_ : state_; }
  const Decision<Event>& decision() { return Decided(); }

 private:
  template <class E>
  void Fold(const E& event) {
    E decoded;
    CheckWire(event, decoded, "event");
    A::Evolve(state_, decoded);
    ++given_count_;
    decision_.reset();
  }

  void FoldDecision() {
    State from_wire = state_;
    for (const Event& event : decision_->events()) {
      std::visit(
          [&](const auto& e) {
            std::remove_cvref_t<decltype(e)> decoded;
            CheckWire(e, decoded, "event");
            A::Evolve(from_wire, decoded);
            A::Evolve(after_, e);
          },
          event);
    }
    State decoded;
    CheckWire(after_, decoded, "state");
    if (internal::WireBytes(from_wire) != internal::WireBytes(after_)) {
      Fail("decoded events fold to another state", internal::Describe(after_), internal::Describe(from_wire));
    }
  }

  Context AdvancedContext() const {
    Context context = context_;
    if (decision_->emits()) context.revision = context.revision.Plus(decision_->events().size());
    return context;
  }

  const Decision<Event>& Decided() {
    if (!decision_.has_value()) {
      ADD_FAILURE_AT(file_, line_) << "Then before When";
      decision_ = Decision<Event>(Unchanged{});
      retry_ = decision_;
      after_ = state_;
    }
    return *decision_;
  }

  template <class M>
  void CheckWire(const M& message, M& decoded, std::string_view what) {
    const std::string bytes = internal::WireBytes(message);
    if (!decoded.ParseFromString(bytes) || internal::WireBytes(decoded) != bytes) {
      Fail("a " + std::string(what) + " does not survive the wire", internal::Describe(message),
           internal::Describe(decoded));
    }
  }

  void CheckSame(const Decision<Event>& got, const Decision<Event>& want, std::string_view headline) {
    if (!Same(got, want)) Fail(headline, Describe(want), Describe(got));
  }

  static bool Same(const Decision<Event>& a, const Decision<Event>& b) {
    if (a.rejected() && b.rejected()) return a.rejection() == b.rejection();
    if (a.unchanged() && b.unchanged()) return true;
    if (!a.emits() || !b.emits() || a.events().size() != b.events().size()) return false;
    for (std::size_t i = 0; i < a.events().size(); ++i) {
      const Event& x = a.events()[i];
      const Event& y = b.events()[i];
      if (x.index() != y.index() || BytesOf(x) != BytesOf(y)) return false;
    }
    return true;
  }

  static std::string BytesOf(const Event& event) {
    return std::visit([](const auto& e) { return internal::WireBytes(e); }, event);
  }

  static std::string Describe(const Decision<Event>& d) {
    if (d.unchanged()) return "Unchanged";
    if (d.rejected()) return internal::Describe(d.rejection());
    std::string out;
    for (const Event& event : d.events()) {
      out += std::visit([](const auto& e) { return internal::Describe(e); }, event);
    }
    return out;
  }

  static std::string Join(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out += part + "\n";
    return out;
  }

  void Fail(std::string_view headline, std::string_view want, std::string_view got) {
    ADD_FAILURE_AT(file_, line_) << std::string(headline) << "\nwhen: " << command_text_ << "\n--- expected\n"
                                 << std::string(want) << "\n--- actual\n"
                                 << std::string(got) << "\n--- given state\n"
                                 << internal::Describe(state_);
  }

  const char* file_;
  int line_;
  Context context_;
  State state_;
  State after_;
  std::uint64_t given_count_ = 0;
  std::optional<Decision<Event>> decision_;
  std::optional<Decision<Event>> retry_;
  std::string command_text_ = "(nothing)";
};

namespace internal {

inline std::string WireBytes(const google::protobuf::Message& message) { return message.SerializeAsString(); }

inline std::string Describe(const google::protobuf::Message& message) {
  const std::string body = message.Utf8DebugString();
  return message.GetDescriptor()->full_name() + (body.empty() ? " {}\n" : " {\n" + body + "}\n");
}

inline std::string_view NameOf(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "kInvalidArgument";
    case Code::kNotFound:
      return "kNotFound";
    case Code::kAlreadyExists:
      return "kAlreadyExists";
    case Code::kPermissionDenied:
      return "kPermissionDenied";
    case Code::kFailedPrecondition:
      return "kFailedPrecondition";
  }
  return "unknown code";
}

inline std::string Describe(const Reject& rejection) {
  std::string out = std::string(NameOf(rejection.code)) + " " + rejection.reason + " (" + rejection.message + ")\n";
  for (const Violation& v : rejection.violations) out += "  " + v.pointer + " " + v.code + ": " + v.detail + "\n";
  return out;
}

}  // namespace internal

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_SPEC_H_
