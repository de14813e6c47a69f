#ifndef DAYBOOK_CODEC_MESSAGE_CODEC_H_
#define DAYBOOK_CODEC_MESSAGE_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace daybook::codec {

// The name under which a message type is stored: its full protobuf name, never a C++ name.
template <class Message>
const std::string& TypeName() {
  return Message::descriptor()->full_name();
}

// Appends the wire form of `message`: fields in number order, map entries sorted by key, so the same content gives the
// same bytes in every process.
void AppendDeterministically(const google::protobuf::Message& message, std::string& out);
std::string SerializeDeterministically(const google::protobuf::Message& message);

// Parses all of `data`. kDataLoss, naming the type and the size, for bytes that are cut, damaged, or hold a string that
// is not UTF-8.
absl::Status ParseStrictly(std::string_view data, google::protobuf::Message& message);

// OK if every string of `message` is UTF-8, so that ParseStrictly will take its bytes back. kInvalidArgument naming the
// field otherwise: protobuf itself writes such a message and then cannot read it.
absl::Status CheckStrings(const google::protobuf::Message& message);

// The same for a message's wire form, which it walks without parsing: for every event on its way to the log.
absl::Status CheckSerializedStrings(const google::protobuf::Descriptor& type, std::string_view data);

// A number for the shape of a message type: its fields' numbers, names, types and labels, enum values, and those of
// every message inside it. Two types with the same number parse each other's bytes to the same content.
std::uint64_t SchemaFingerprint(const google::protobuf::Descriptor& type);

}  // namespace daybook::codec

#endif  // DAYBOOK_CODEC_MESSAGE_CODEC_H_
