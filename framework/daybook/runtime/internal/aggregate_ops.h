#ifndef DAYBOOK_RUNTIME_INTERNAL_AGGREGATE_OPS_H_
#define DAYBOOK_RUNTIME_INTERNAL_AGGREGATE_OPS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/codec/event_codec.h"
#include "daybook/codec/message_codec.h"
#include "daybook/core/aggregate.h"
#include "daybook/core/context.h"
#include "daybook/runtime/command.h"
#include "daybook/runtime/snapshot_policy.h"
#include "daybook/store/event_store.h"

// The seam between the user's types and the committer, which is compiled once: everything that knows State, Command or
// Event stands behind AggregateOps and Request.
namespace daybook::runtime::internal {

// 16 bytes that stand for a command's stream and content.
using Fingerprint = std::array<std::uint8_t, 16>;

// One aggregate's state, of a type that only its ops know.
class StateBox {
 public:
  virtual ~StateBox() = default;
};

// What Decide came to, encoded.
struct Decided {
  enum class Kind { kEvents, kUnchanged, kRejected };
  Kind kind = Kind::kUnchanged;
  std::vector<store::EventData> events;  // type and data
  std::optional<Reject> rejection;
};

class AggregateOps;

// One waiting command. The typed parts are Decide and the guard.
class Request {
 public:
  virtual ~Request() = default;

  virtual bool IsGuarded() const { return false; }
  // What the guard says of the state; OK without one.
  virtual absl::Status AskGuard(const StateBox&) const { return absl::OkStatus(); }

  // Decides, encodes the events into `decided`, and folds them into `state`. An error leaves `state` unusable.
  virtual absl::Status Decide(StateBox& state, const Context& context, Decided& decided) const = 0;

  // True for a request that stores an input's position and decides nothing.
  bool IsInputOnly() const { return ops == nullptr; }

  const AggregateOps* ops = nullptr;
  StreamId stream;
  CommandOptions options;
  OutcomeHandler done;
  Fingerprint fingerprint = {};
  std::size_t bytes = 0;
  absl::StatusOr<CommandOutcome> result = absl::InternalError("not decided");  // handed to `done`
};

class InputRequest final : public Request {
 public:
  absl::Status Decide(StateBox&, const Context&, Decided&) const override {
    return absl::InternalError("there is nothing to decide");
  }
};

// What the committer needs of an aggregate type. Thread safety: const.
class AggregateOps {
 public:
  virtual ~AggregateOps() = default;

  virtual std::string_view category() const = 0;
  // Tells two types behind one category apart.
  virtual const void* type_tag() const = 0;
  // Of the state's schema and the fold's version.
  virtual std::uint64_t state_fingerprint() const = 0;
  virtual const SnapshotPolicy& snapshots() const = 0;

  virtual std::unique_ptr<StateBox> NewState() const = 0;
  virtual std::unique_ptr<StateBox> CloneState(const StateBox& state) const = 0;
  virtual std::size_t StateBytes(const StateBox& state) const = 0;
  virtual std::string SerializeState(const StateBox& state) const = 0;
  virtual absl::Status ParseState(std::string_view bytes, StateBox& state) const = 0;
  // Decodes one event and folds it in. kNotFound: unknown type; kDataLoss: damaged; kInternal: Evolve threw.
  virtual absl::Status Fold(std::string_view type, std::string_view data, StateBox& state) const = 0;
};

// Runs user code; what it throws becomes kInternal: "`what` threw: …".
absl::Status GuardUserCode(std::string_view what, absl::FunctionRef<void()> code);

// kInternal if the events cannot be stored: too many, too large, or with a string that could not be read back.
absl::Status CheckEventLimits(std::size_t events, std::string_view category);
absl::Status CheckEvent(const google::protobuf::Message& message, std::string_view data);

// Of the stream, and the caller's text or, where that is empty, the command's type and bytes. `bytes` is set to their
// number.
Fingerprint FingerprintOf(const StreamId& stream, std::string_view given, const google::protobuf::Message& command,
                          std::size_t& bytes);

template <class State>
class TypedState final : public StateBox {
 public:
  TypedState() = default;
  explicit TypedState(const State& state) : value(state) {}
  State value;
};

template <class A>
constexpr std::uint64_t FoldVersionOf() {
  if constexpr (requires { A::kFoldVersion; }) {
    return static_cast<std::uint64_t>(A::kFoldVersion);
  } else {
    return 0;
  }
}

// Mixes the schema's number with the fold's version.
std::uint64_t StateFingerprint(std::uint64_t schema, std::uint64_t fold_version);

template <Aggregate A>
class TypedOps final : public AggregateOps {
 public:
  using State = typename A::State;
  using Event = typename A::Event;

  TypedOps(SnapshotPolicy snapshots, codec::Upcasters upcasters)
      : codec_(std::move(upcasters)),
        snapshots_(std::move(snapshots)),
        fingerprint_(StateFingerprint(codec::SchemaFingerprint(*State::descriptor()), FoldVersionOf<A>())) {}

  static const void* TypeTag() {
    static const char tag = 0;
    return &tag;
  }

  std::string_view category() const override { return A::kCategory; }
  const void* type_tag() const override { return TypeTag(); }
  std::uint64_t state_fingerprint() const override { return fingerprint_; }
  const SnapshotPolicy& snapshots() const override { return snapshots_; }
  const codec::EventCodec<Event>& codec() const { return codec_; }

  static State& Of(StateBox& state) { return static_cast<TypedState<State>&>(state).value; }
  static const State& Of(const StateBox& state) { return static_cast<const TypedState<State>&>(state).value; }

  std::unique_ptr<StateBox> NewState() const override { return std::make_unique<TypedState<State>>(); }
  std::unique_ptr<StateBox> CloneState(const StateBox& state) const override {
    return std::make_unique<TypedState<State>>(Of(state));
  }
  std::size_t StateBytes(const StateBox& state) const override { return Of(state).SpaceUsedLong(); }
  std::string SerializeState(const StateBox& state) const override {
    return codec::SerializeDeterministically(Of(state));
  }
  absl::Status ParseState(std::string_view bytes, StateBox& state) const override {
    return codec::ParseStrictly(bytes, Of(state));
  }
  absl::Status Fold(std::string_view type, std::string_view data, StateBox& state) const override {
    Event event;
    if (absl::Status decoded = codec_.DecodeInto(type, data, event); !decoded.ok()) return decoded;
    return GuardUserCode("Evolve", [&] { Apply(event, Of(state)); });
  }

  static void Apply(const Event& event, State& state) {
    std::visit([&](const auto& message) { A::Evolve(state, message); }, event);
  }

 private:
  const codec::EventCodec<Event> codec_;
  const SnapshotPolicy snapshots_;
  const std::uint64_t fingerprint_;
};

template <Aggregate A>
class TypedRequest final : public Request {
 public:
  using Guard = std::function<absl::Status(const typename A::State&)>;

  TypedRequest(typename A::Command command, Guard guard) : command_(std::move(command)), guard_(std::move(guard)) {}

  // Fills in what the intake needs to know of the content.
  void Identify() {
    const google::protobuf::Message& message =
        std::visit([](const auto& alternative) -> const google::protobuf::Message& { return alternative; }, command_);
    fingerprint = FingerprintOf(stream, options.fingerprint, message, bytes);
  }

  bool IsGuarded() const override { return guard_ != nullptr; }

  absl::Status AskGuard(const StateBox& state) const override {
    absl::Status answer;
    absl::Status status = GuardUserCode("a guard", [&] { answer = guard_(TypedOps<A>::Of(state)); });
    return status.ok() ? answer : status;
  }

  absl::Status Decide(StateBox& box, const Context& context, Decided& decided) const override {
    const auto& typed = static_cast<const TypedOps<A>&>(*ops);
    typename A::State& state = TypedOps<A>::Of(box);
    std::optional<Decision<typename A::Event>> decision;
    absl::Status status = GuardUserCode("Decide", [&] {
      const typename A::State& constant = state;
      decision.emplace(
          std::visit([&](const auto& message) { return A::Decide(constant, message, context); }, command_));
    });
    if (!status.ok()) return status;
    if (decision->rejected()) {
      decided.kind = Decided::Kind::kRejected;
      decided.rejection = decision->rejection();
      return absl::OkStatus();
    }
    if (decision->unchanged()) {
      decided.kind = Decided::Kind::kUnchanged;
      return absl::OkStatus();
    }
    decided.kind = Decided::Kind::kEvents;
    status = Encode(typed.codec(), decision->events(), decided);
    if (!status.ok()) return status;
    return GuardUserCode("Evolve", [&] {
      for (const auto& event : decision->events()) TypedOps<A>::Apply(event, state);
    });
  }

 private:
  static absl::Status Encode(const codec::EventCodec<typename A::Event>& codec,
                             const std::vector<typename A::Event>& events, Decided& decided) {
    if (absl::Status limits = CheckEventLimits(events.size(), A::kCategory); !limits.ok()) return limits;
    decided.events.reserve(events.size());
    for (const auto& event : events) {
      store::EventData& data = decided.events.emplace_back();
      data.type = codec.TypeOf(event);
      codec.EncodeTo(event, data.data);
      absl::Status checked = std::visit([&](const auto& message) { return CheckEvent(message, data.data); }, event);
      if (!checked.ok()) return checked;
    }
    return absl::OkStatus();
  }

  const typename A::Command command_;
  const Guard guard_;  // may be empty
};

}  // namespace daybook::runtime::internal

#endif  // DAYBOOK_RUNTIME_INTERNAL_AGGREGATE_OPS_H_
