#ifndef DAYBOOK_PROJECTION_FOLDING_H_
#define DAYBOOK_PROJECTION_FOLDING_H_

#include <concepts>
#include <string>
#include <string_view>

#include "daybook/core/aggregate.h"
#include "daybook/core/projection.h"
#include "daybook/core/recorded.h"

namespace daybook::projection {

// One stream after one command: its folded state, as a folding projection is shown it.
template <class State>
struct Folded {
  const State& state;             // A::Evolve over all the stream's events so far
  const StreamId& stream;         //
  Revision revision;              // of the stream after the command
  Position position;              // of the command's last event
  PartitionId partition;          //
  const EventMetadata& metadata;  // of the command's last event
  std::string& memo;              // the projection's own notes on this stream, kept with the state; "" at first
};

namespace internal {
template <class P, class A>
concept FoldsAggregate = requires(const Folded<typename A::State>& folded, ViewWriter& out) {
  { P::On(folded, out) } -> std::same_as<void>;
};
}  // namespace internal

// A projection of aggregates' states rather than of their single events: one overload of On per aggregate, called once
// per command and stream. The runner folds (A::Evolve) and keeps the states, so that On only renders.
//
//   struct Directory {
//     static constexpr std::string_view kName = "directory.v1";
//     static void On(const Folded<pb::PayeeState>& payee, daybook::ViewWriter& out) {
//       out.Put(payee.stream.key(), Render(payee.state, payee.revision));
//     }
//     // Optional: drops what On does not need before the state is kept. Must not change what A::Evolve makes of the
//     // rest.
//     static void Trim(pb::PayeeState& state);
//   };
//   runner.Add<Directory, Payee>();
//
// `memo` is where it remembers the keys it wrote, so that it can delete them later without a lookup.
// Invariants: On is deterministic and reads only its arguments and, through the writer, its own rows.
template <class P, class... Aggregates>
concept FoldingProjectionOf = sizeof...(Aggregates) > 0 && requires {
  { P::kName } -> std::convertible_to<std::string_view>;
}
&&(internal::FoldsAggregate<P, Aggregates>&&...);

}  // namespace daybook::projection

#endif  // DAYBOOK_PROJECTION_FOLDING_H_
