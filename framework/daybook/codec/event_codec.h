#ifndef DAYBOOK_CODEC_EVENT_CODEC_H_
#define DAYBOOK_CODEC_EVENT_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "daybook/base/strings.h"
#include "daybook/codec/upcasters.h"

namespace daybook::codec {

// The name under which a message type is stored: its full protobuf name, never a C++ name.
template <class Message>
const std::string& TypeName() {
  return Message::descriptor()->full_name();
}

// Turns the events of one aggregate into (type name, bytes) and back. Event is a std::variant of messages.
//
//   EventCodec<Payee::Event> codec;                            // or EventCodec<…>(std::move(upcasters))
//   std::string bytes = codec.Encode(event);                   // with codec.TypeOf(event)
//   absl::StatusOr<Payee::Event> back = codec.Decode(type, bytes);
//
// Thread safety: const after construction.
// Invariants: every alternative has a name of its own; Decode(TypeOf(e), Encode(e)) == e.
template <class Event>
class EventCodec {
 public:
  EventCodec();
  // kInvalidArgument text in a check at start: an upcaster chain that ends in no alternative of Event, or in a cycle.
  explicit EventCodec(Upcasters upcasters);

  // The stored name of the event's type.
  const std::string& TypeOf(const Event& event) const;

  // The wire form, appended to `out`; deterministic for the same event.
  void EncodeTo(const Event& event, std::string& out) const;
  std::string Encode(const Event& event) const;

  // kNotFound: neither an alternative of Event nor an upcaster knows `type`. kDataLoss: the bytes do not parse.
  // Callers add the position.
  absl::StatusOr<Event> Decode(std::string_view type, std::string_view data) const;

  // True if Decode would find the type.
  bool Knows(std::string_view type) const;
};

}  // namespace daybook::codec

#endif  // DAYBOOK_CODEC_EVENT_CODEC_H_
