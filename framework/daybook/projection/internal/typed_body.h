#ifndef DAYBOOK_PROJECTION_INTERNAL_TYPED_BODY_H_
#define DAYBOOK_PROJECTION_INTERNAL_TYPED_BODY_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/codec/envelope.h"
#include "daybook/codec/event_codec.h"
#include "daybook/core/projection.h"
#include "daybook/core/recorded.h"
#include "daybook/projection/folding.h"
#include "daybook/projection/internal/fold_table.h"
#include "daybook/projection/internal/staged_writer.h"
#include "daybook/store/event_store.h"

// The typed shells around the projection loop; the loop itself is compiled once (internal/worker.cc).
namespace daybook::projection::internal {

// Whether an aggregate has an event of that type.
using KnowsType = std::function<bool(std::string_view type)>;

template <class A>
KnowsType TypeChecker(codec::EventCodec<typename A::Event> codec) {
  auto shared = std::make_shared<const codec::EventCodec<typename A::Event>>(std::move(codec));
  return [shared](std::string_view type) { return shared->Knows(type); };
}

// One aggregate of a projection: its codec, and one event per type whose memory is used again and again.
template <class A>
class Reader {
 public:
  explicit Reader(codec::EventCodec<typename A::Event> codec) : codec_(std::move(codec)) {}

  bool Knows(std::string_view type) const { return codec_.Knows(type); }

  // The event, valid until the next one of its type.
  absl::StatusOr<const typename A::Event*> Read(const store::EventView& event) {
    auto slot = slots_.find(event.type);
    if (slot == slots_.end()) slot = slots_.emplace(std::string(event.type), typename A::Event()).first;
    DAYBOOK_RETURN_IF_ERROR(codec_.DecodeInto(event.type, event.data, slot->second));
    return &slot->second;
  }

 private:
  codec::EventCodec<typename A::Event> codec_;
  StringMap<typename A::Event> slots_;
};

// What the loop knows of a projection. One thread at a time. User code may throw out of Apply: the loop guards it.
class ProjectionBody {
 public:
  virtual ~ProjectionBody() = default;

  virtual std::string_view name() const = 0;
  virtual bool Knows(std::string_view type) const = 0;

  // How much state to keep parsed between batches.
  virtual void LimitMemory(std::size_t bytes_max) = 0;

  // Applies one event of a type it knows. An error leaves the staged rows unspecified: the loop drops them.
  virtual absl::Status Apply(const store::EventView& event, PartitionId partition, StagedWriter& out) = 0;

  // Stages what it keeps in memory; after it the batch may be committed.
  virtual absl::Status Flush(StagedWriter& out) = 0;

  // Forgets all memory: the batch was not committed, or another one took its place.
  virtual void Reset() = 0;
};

// The stream's id; kDataLoss if the text is none.
absl::StatusOr<StreamId> StreamOf(const store::EventView& event);

// Shows every event to P::On(Recorded<E>).
template <class P, class... As>
class RecordedBody final : public ProjectionBody {
 public:
  explicit RecordedBody(codec::EventCodec<typename As::Event>... codecs)
      : arms_(Arm<As>{Reader<As>(std::move(codecs))}...) {}

  std::string_view name() const override { return P::kName; }
  bool Knows(std::string_view type) const override {
    return std::apply([&](const auto&... arm) { return (arm.reader.Knows(type) || ...); }, arms_);
  }
  void LimitMemory(std::size_t) override {}

  absl::Status Apply(const store::EventView& event, PartitionId partition, StagedWriter& out) override {
    absl::Status result = absl::NotFoundError("no aggregate of this projection knows the type");
    std::apply(
        [&](auto&... arm) {
          (void)((arm.reader.Knows(event.type) && (result = ApplyWith(arm, event, partition, out), true)) || ...);
        },
        arms_);
    return result;
  }
  absl::Status Flush(StagedWriter&) override { return absl::OkStatus(); }
  void Reset() override {}

 private:
  template <class A>
  struct Arm {
    Reader<A> reader;
  };

  template <class A>
  absl::Status ApplyWith(Arm<A>& arm, const store::EventView& event, PartitionId partition, StagedWriter& out) {
    DAYBOOK_ASSIGN_OR_RETURN(const typename A::Event* const decoded, arm.reader.Read(event));
    DAYBOOK_RETURN_IF_ERROR(codec::DecodeEnvelopeInto(event.envelope, metadata_));
    DAYBOOK_ASSIGN_OR_RETURN(const StreamId stream, StreamOf(event));
    std::visit(
        [&](const auto& e) {
          using E = std::remove_cvref_t<decltype(e)>;
          P::On(Recorded<E>{e, stream, event.revision, event.position, partition, metadata_}, out);
        },
        *decoded);
    return absl::OkStatus();
  }

  std::tuple<Arm<As>...> arms_;
  EventMetadata metadata_;
};

// Folds every stream's events and shows the state to P::On(Folded<State>) at the end of each command.
template <class P, class... As>
class FoldingBody final : public ProjectionBody {
 public:
  explicit FoldingBody(codec::EventCodec<typename As::Event>... codecs)
      : arms_(Arm<As>{Reader<As>(std::move(codecs)), {}}...) {}

  std::string_view name() const override { return P::kName; }
  bool Knows(std::string_view type) const override {
    return std::apply([&](const auto&... arm) { return (arm.reader.Knows(type) || ...); }, arms_);
  }
  void LimitMemory(std::size_t bytes_max) override { table_.LimitMemory(bytes_max); }

  absl::Status Apply(const store::EventView& event, PartitionId partition, StagedWriter& out) override {
    absl::Status result = absl::NotFoundError("no aggregate of this projection knows the type");
    std::apply(
        [&](auto&... arm) {
          (void)((arm.reader.Knows(event.type) && (result = ApplyWith(arm, event, partition, out), true)) || ...);
        },
        arms_);
    return result;
  }
  absl::Status Flush(StagedWriter& out) override { return table_.Flush(out); }
  void Reset() override { table_.Reset(); }

 private:
  template <class A>
  struct Arm {
    Reader<A> reader;
    typename A::State empty;
  };

  template <class A>
  absl::Status ApplyWith(Arm<A>& arm, const store::EventView& event, PartitionId partition, StagedWriter& out) {
    using State = typename A::State;
    DAYBOOK_ASSIGN_OR_RETURN(FoldTable::Entry * entry, table_.Advance(event, arm.empty, out));
    auto& state = static_cast<State&>(*entry->state);
    DAYBOOK_ASSIGN_OR_RETURN(const typename A::Event* const decoded, arm.reader.Read(event));
    std::visit([&](const auto& e) { A::Evolve(state, e); }, *decoded);
    if (event.index + 1 < event.count) return absl::OkStatus();

    DAYBOOK_RETURN_IF_ERROR(codec::DecodeEnvelopeInto(event.envelope, metadata_));
    P::On(Folded<State>{state, entry->stream, event.revision, event.position, partition, metadata_, entry->memo}, out);
    if constexpr (requires { P::Trim(state); }) P::Trim(state);
    return absl::OkStatus();
  }

  std::tuple<Arm<As>...> arms_;
  EventMetadata metadata_;
  FoldTable table_;
};

template <class P, class... As>
std::unique_ptr<ProjectionBody> MakeBody(codec::EventCodec<typename As::Event>... codecs) {
  if constexpr (FoldingProjectionOf<P, As...>) {
    return std::make_unique<FoldingBody<P, As...>>(std::move(codecs)...);
  } else {
    static_assert(ProjectionOf<P, As...>);
    return std::make_unique<RecordedBody<P, As...>>(std::move(codecs)...);
  }
}

}  // namespace daybook::projection::internal

#endif  // DAYBOOK_PROJECTION_INTERNAL_TYPED_BODY_H_
