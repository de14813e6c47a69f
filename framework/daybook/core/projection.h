#ifndef DAYBOOK_CORE_PROJECTION_H_
#define DAYBOOK_CORE_PROJECTION_H_

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "daybook/core/recorded.h"

namespace daybook {

// Where a projection writes its read model: an ordered map of bytes, committed with the checkpoint in one batch.
//
//   if (auto old = out.Get(key)) out.Delete(*old);
//   out.Put(key, rendered);
//
// Thread safety: used by one thread, during the call only. Keys: 1 byte to 64 KiB. Values: up to 64 MiB.
class ViewWriter {
 public:
  virtual ~ViewWriter() = default;

  // The present value, with what this batch has staged; nullopt if there is none.
  virtual std::optional<std::string> Get(std::string_view key) = 0;

  // Sets the value. Visible to readers once the batch is committed.
  virtual void Put(std::string_view key, std::string_view value) = 0;

  // Removes the key; nothing happens if it is not there.
  virtual void Delete(std::string_view key) = 0;

  // Stops the projection at this event with `why`, naming the place. For what "cannot happen"; nothing is committed.
  virtual void Fail(std::string_view why) = 0;
};

namespace internal {

template <class P, class E>
concept ProjectsEvent = requires(const Recorded<E>& recorded, ViewWriter& out) {
  { P::On(recorded, out) } -> std::same_as<void>;
};

template <class P, class E>
struct CheckOn {
  static_assert(ProjectsEvent<P, E>, "projection lacks: static void On(const Recorded<E>&, ViewWriter&)");
  static constexpr bool kOk = ProjectsEvent<P, E>;
};

template <class P, class Events>
struct CheckOns : std::false_type {};
template <class P, class... Es>
struct CheckOns<P, std::variant<Es...>> : std::bool_constant<(CheckOn<P, Es>::kOk && ...)> {};

}  // namespace internal

// A projection of the events of one or more aggregates: one overload of On per event.
//
//   struct Directory {
//     static constexpr std::string_view kName = "directory.v1";   // a new name rebuilds from position 1
//     static void On(const daybook::Recorded<pb::Registered>&, daybook::ViewWriter&);   // …one each
//   };
//   static_assert(daybook::ProjectionOf<Directory, Payee>);
//
// Invariants: On is deterministic and reads only its arguments, so a rebuild gives the same bytes.
template <class P, class... Aggregates>
concept ProjectionOf = sizeof...(Aggregates) > 0 && requires {
  { P::kName } -> std::convertible_to<std::string_view>;
}
&&(internal::CheckOns<P, typename Aggregates::Event>::value&&...);

}  // namespace daybook

#endif  // DAYBOOK_CORE_PROJECTION_H_
