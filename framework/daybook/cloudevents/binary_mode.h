#ifndef DAYBOOK_CLOUDEVENTS_BINARY_MODE_H_
#define DAYBOOK_CLOUDEVENTS_BINARY_MODE_H_

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/cloudevents/headers.h"
#include "daybook/core/recorded.h"
#include "daybook/core/stream_id.h"
#include "daybook/core/strong.h"

namespace daybook::cloudevents {

// The content type where a context names none.
inline constexpr std::string_view kProtobufContentType = "application/protobuf";

// The context of one event, command or state on a topic: everything but the data, which is the record's value.
// docs/reference/formats/cloudevents.md shows every header.
struct Context {
  std::string type;          // of the occurrence: for an event the full name of its message
  std::string source;        // SourceOf(category, partition), or whatever URI reference names the writer
  std::string subject;       // the stream, "category/key"
  std::string data_type;     // full name of the message in the value; "" = the same as type
  std::string content_type;  // of the value; "" = kProtobufContentType
  Position sequence;         // place in the writer's log or outbox; 0 = none
  Revision revision;         // place in the stream; 0 = none (a command): event_index and event_count then stay out
  EventMetadata metadata;    // event_id is the CloudEvents id; a nil command_id and a recorded_at of 0 stay out
  // Attributes besides these, without "ce_": names of lower-case letters and digits.
  std::vector<std::pair<std::string, std::string>> extensions;

  friend bool operator==(const Context& a, const Context& b);
};

// "/daybook/<category>/<partition>".
std::string SourceOf(std::string_view category, PartitionId partition);

// As ce_sequence has it: 20 digits, so that the order of the texts is that of the numbers.
std::string SequenceText(Position sequence);

// CloudEvents 1.0, Kafka protocol binding, binary content mode: the context as headers ("ce_" and the attribute's name,
// UTF-8; content-type), the data alone in the record's value. Attributes are those of codec/envelope.h.
//
//   HeaderList headers;
//   DAYBOOK_RETURN_IF_ERROR(EncodeBinary(context, headers));
//   DAYBOOK_ASSIGN_OR_RETURN(Context read, DecodeBinary(record.headers));
//
// Thread safety: free functions.
// Invariants:
//   1. DecodeBinary(EncodeBinary(c)) == c with an empty data_type and content_type filled in. One exception: `time` is
//      source_time, or recorded_at where there is none, so that a source_time equal to recorded_at reads as none.
//   2. The same context gives the same headers in the same order.

// Appends the headers; also a plain "traceparent" where there is one, for what traces without knowing CloudEvents.
// kInvalidArgument, naming the attribute: type, source or event_id is missing, a text is not UTF-8 or longer than 4
// KiB, an extension's name is malformed, taken or repeated. `headers` is unchanged then.
absl::Status EncodeBinary(const Context& context, HeaderList& headers);

// kInvalidArgument, naming the header and what is wrong: not a CloudEvent of version 1.x, a required attribute is
// missing, an attribute of ours is malformed, repeated or null. Attributes that are not ours go to `extensions`;
// headers that are no attributes are skipped. A writer that is not Daybook need not give more than id, source and type;
// its id must be a UUID.
absl::StatusOr<Context> DecodeBinary(std::span<const Header> headers);

// True if the headers are those of a CloudEvent in binary mode at all.
bool IsBinaryMode(std::span<const Header> headers);

}  // namespace daybook::cloudevents

#endif  // DAYBOOK_CLOUDEVENTS_BINARY_MODE_H_
