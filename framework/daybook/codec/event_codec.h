#ifndef DAYBOOK_CODEC_EVENT_CODEC_H_
#define DAYBOOK_CODEC_EVENT_CODEC_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "daybook/base/check.h"
#include "daybook/base/strings.h"
#include "daybook/codec/message_codec.h"
#include "daybook/codec/upcasters.h"

namespace daybook::codec {

namespace internal {

// The part of EventCodec that does not depend on the event type: names, upcasting, errors.
class TypeTable {
 public:
  static constexpr std::size_t kUnknown = ~std::size_t{0};

  // `names` by alternative. Checks that they differ and that the upcasters are total; aborts with the reason if not.
  TypeTable(std::vector<std::string> names, Upcasters upcasters);

  const std::string& name(std::size_t index) const { return names_[index]; }
  const std::vector<std::string>& names() const { return names_; }
  // The alternative stored under `type` itself; kUnknown if there is none.
  std::size_t Find(std::string_view type) const;
  bool Knows(std::string_view type) const;
  // Follows the upcasters from `type` to an alternative. `data` then points to the result: into `scratch` if an
  // upcaster made it.
  absl::StatusOr<std::size_t> Upcast(std::string_view type, std::string_view& data, std::string& scratch) const;
  // Parses into `message`, and brings it into today's shape.
  absl::Status Parse(std::size_t index, std::string_view data, google::protobuf::Message& message) const;

 private:
  std::vector<std::string> names_;
  Upcasters upcasters_;
  std::vector<const Upcasters::ReshapeFunction*> reshapes_;  // by alternative; nullptr = none
};

template <class Event>
struct Alternatives;
template <class... Es>
struct Alternatives<std::variant<Es...>> {
  static std::vector<std::string> Names() { return {TypeName<Es>()...}; }

  template <class E>
  static google::protobuf::Message& Emplace(std::variant<Es...>& event) {
    if (E* present = std::get_if<E>(&event)) return *present;  // keeps its memory: parsing clears it
    return event.template emplace<E>();
  }
  using EmplaceFunction = google::protobuf::Message& (*)(std::variant<Es...>&);
  static constexpr std::array<EmplaceFunction, sizeof...(Es)> kEmplace = {&Emplace<Es>...};
};

}  // namespace internal

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
  EventCodec() : EventCodec(Upcasters()) {}
  // Aborts, naming the chain, if an upcaster chain ends in no alternative of Event or in a cycle: that is a mistake of
  // the program, which must not start. CheckUpcasters gives the same answer as a status.
  explicit EventCodec(Upcasters upcasters)
      : table_(std::make_shared<const internal::TypeTable>(internal::Alternatives<Event>::Names(),
                                                           std::move(upcasters))) {}

  static absl::Status CheckUpcasters(const Upcasters& upcasters) {
    return upcasters.Check(internal::Alternatives<Event>::Names());
  }

  // The stored name of the event's type.
  const std::string& TypeOf(const Event& event) const { return table_->name(event.index()); }

  // The wire form, appended to `out`; deterministic for the same event.
  void EncodeTo(const Event& event, std::string& out) const {
    std::visit([&](const auto& message) { AppendDeterministically(message, out); }, event);
  }
  std::string Encode(const Event& event) const {
    std::string out;
    EncodeTo(event, out);
    return out;
  }

  // kNotFound: neither an alternative of Event nor an upcaster knows `type`. kDataLoss: the bytes do not parse (cut,
  // damaged, bad UTF-8), or an upcaster refused them. Callers add the position.
  absl::StatusOr<Event> Decode(std::string_view type, std::string_view data) const {
    Event event;
    if (absl::Status status = DecodeInto(type, data, event); !status.ok()) return status;
    return event;
  }

  // The same into an event whose memory is used again; after an error its content is unspecified.
  absl::Status DecodeInto(std::string_view type, std::string_view data, Event& event) const {
    const std::size_t index = table_->Find(type);
    if (index == internal::TypeTable::kUnknown) [[unlikely]]
      return UpcastInto(type, data, event);
    return ParseInto(index, data, event);
  }

  // True if Decode would find the type.
  bool Knows(std::string_view type) const { return table_->Knows(type); }

  // Today's types, by alternative.
  const std::vector<std::string>& TypeNames() const { return table_->names(); }

 private:
  absl::Status ParseInto(std::size_t index, std::string_view data, Event& event) const {
    return table_->Parse(index, data, internal::Alternatives<Event>::kEmplace[index](event));
  }
  absl::Status UpcastInto(std::string_view type, std::string_view data, Event& event) const {
    std::string scratch;
    absl::StatusOr<std::size_t> index = table_->Upcast(type, data, scratch);
    if (!index.ok()) return std::move(index).status();
    return ParseInto(*index, data, event);
  }

  std::shared_ptr<const internal::TypeTable> table_;
};

}  // namespace daybook::codec

#endif  // DAYBOOK_CODEC_EVENT_CODEC_H_
