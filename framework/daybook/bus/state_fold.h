#ifndef DAYBOOK_BUS_STATE_FOLD_H_
#define DAYBOOK_BUS_STATE_FOLD_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/codec/event_codec.h"
#include "daybook/core/recorded.h"
#include "daybook/store/event_store.h"

namespace daybook::bus {

// What a command did to an aggregate, for the state topic.
struct StateChange {
  std::string_view stream;
  std::vector<std::string> event_types;  // of the command, in order
  Revision revision;                     // after it
  EventMetadata metadata;                // of its last event
};

// What goes on the state topic for one change.
struct StateValue {
  std::string type;                 // ce_type: what the change was
  std::string data_type;            // full name of the state's message
  std::optional<std::string> data;  // nullopt = a tombstone: the aggregate is gone
};

// Folds streams as their events come by. Thread safety: one thread.
class StateFold {
 public:
  virtual ~StateFold() = default;

  // Takes in the next event of its stream; what it has not seen of the stream is read from the store. kDataLoss,
  // kNotFound (an event of unknown type), kInternal (Evolve threw).
  virtual absl::Status Apply(const store::EventView& event, store::EventStore& store) = 0;
  // The state after the last applied event of that stream.
  virtual StateValue ValueOf(const StateChange& change) = 0;
};

class StateFoldMaker {
 public:
  virtual ~StateFoldMaker() = default;
  virtual std::unique_ptr<StateFold> New() const = 0;
};

// Folds the aggregate A and names its changes: by what the source system says of them (EventMetadata::source_change),
// else by `describe`: (state after, change) -> StateKind, which also says whether the aggregate is gone.
//
//   route.state = FoldStatesOf<Payee>([](const Payee::State& state, const StateChange& change) {
//     return StateKind{.type = change.revision == Revision(1) ? "payee.created" : "payee.updated"};
//   });
//
// It keeps up to `states_max` states; beyond that it forgets all of them and reads streams again.
struct StateKind {
  std::string type;
  enum class Value { kState, kTombstone } value = Value::kState;
};
template <class A, class Describe>
std::shared_ptr<const StateFoldMaker> FoldStatesOf(Describe describe, std::size_t states_max = 10'000);

namespace internal {

template <class A, class Describe>
class TypedStateFold final : public StateFold {
 public:
  using State = typename A::State;

  TypedStateFold(Describe describe, std::size_t states_max) : describe_(std::move(describe)), states_max_(states_max) {}

  absl::Status Apply(const store::EventView& event, store::EventStore& store) override {
    auto found = states_.find(std::string(event.stream));
    if (found == states_.end()) {
      if (states_.size() >= states_max_) states_.clear();
      found = states_.try_emplace(std::string(event.stream)).first;
    }
    absl::Status status = Advance(event, store, found->second);
    if (!status.ok()) states_.erase(found);
    return status;
  }

  StateValue ValueOf(const StateChange& change) override {
    const State& state = states_.find(std::string(change.stream))->second.state;
    StateKind kind = describe_(state, change);
    StateValue value;
    value.type = change.metadata.source_change.empty() ? std::move(kind.type) : change.metadata.source_change;
    value.data_type = State::descriptor()->full_name();
    if (kind.value == StateKind::Value::kState) value.data = codec::SerializeDeterministically(state);
    return value;
  }

 private:
  struct Entry {
    State state;
    Revision revision;
  };

  absl::Status Advance(const store::EventView& event, store::EventStore& store, Entry& entry) {
    if (entry.revision.Next() < event.revision) {
      const std::optional<StreamId> stream = StreamId::Parse(event.stream);
      if (!stream) return absl::DataLossError(absl::StrCat("no stream: ", ToAbsl(event.stream)));
      const auto cursor = store.ReadStream(*stream, entry.revision.Next(), store::Direction::kForwards);
      while (entry.revision.Next() < event.revision) {
        const absl::StatusOr<bool> more = cursor->Next();
        DAYBOOK_RETURN_IF_ERROR(more.status());
        if (!*more) return absl::DataLossError(absl::StrCat(stream->text(), " ends before an event of the log"));
        DAYBOOK_RETURN_IF_ERROR(Fold(cursor->event(), entry));
      }
    }
    if (entry.revision >= event.revision) return absl::OkStatus();
    return Fold(event, entry);
  }

  absl::Status Fold(const store::EventView& event, Entry& entry) {
    DAYBOOK_RETURN_IF_ERROR(codec_.DecodeInto(event.type, event.data, event_));
    try {
      std::visit([&](const auto& message) { A::Evolve(entry.state, message); }, event_);
    } catch (...) {
      return absl::InternalError(absl::StrCat("Evolve threw at ", ToAbsl(event.stream), " ", event.revision.value()));
    }
    entry.revision = event.revision;
    return absl::OkStatus();
  }

  const Describe describe_;
  const std::size_t states_max_;
  const codec::EventCodec<typename A::Event> codec_;
  typename A::Event event_;
  absl::flat_hash_map<std::string, Entry> states_;
};

template <class A, class Describe>
class TypedStateFoldMaker final : public StateFoldMaker {
 public:
  TypedStateFoldMaker(Describe describe, std::size_t states_max)
      : describe_(std::move(describe)), states_max_(states_max) {}
  std::unique_ptr<StateFold> New() const override {
    return std::make_unique<TypedStateFold<A, Describe>>(describe_, states_max_);
  }

 private:
  const Describe describe_;
  const std::size_t states_max_;
};

}  // namespace internal

template <class A, class Describe>
std::shared_ptr<const StateFoldMaker> FoldStatesOf(Describe describe, std::size_t states_max) {
  return std::make_shared<const internal::TypedStateFoldMaker<A, Describe>>(std::move(describe), states_max);
}

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_STATE_FOLD_H_
