#ifndef DAYBOOK_CODEC_ENVELOPE_H_
#define DAYBOOK_CODEC_ENVELOPE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/core/recorded.h"
#include "daybook/core/timestamp.h"
#include "daybook/core/uuid.h"

namespace daybook::codec {

// EventMetadata by reference, for writing without copies. Views live as long as the call that gets them.
struct EnvelopeFields {
  Uuid event_id;
  CommandId command_id;
  std::string_view correlation_id;
  std::string_view causation_id;
  std::string_view actor;
  std::string_view traceparent;
  Timestamp recorded_at;
  std::optional<Timestamp> source_time;
  std::uint32_t event_index = 0;
  std::uint32_t event_count = 1;
  std::uint32_t schema = 1;
  std::string_view source_change;
};

// The wire form of an event's metadata: daybook.v1.Envelope, written and read without the generated class because it is
// paid for every event (tests hold both against each other, byte by byte).
//
//   std::string envelope;
//   EncodeEnvelope(fields, envelope);
//   absl::StatusOr<EventMetadata> metadata = DecodeEnvelope(view.envelope);
//
// Thread safety: free functions. docs/reference/formats/envelope.md describes the bytes.

// Appends the bytes to `out`. The strings are UTF-8 (CheckEnvelope); the same fields give the same bytes.
void EncodeEnvelope(const EnvelopeFields& fields, std::string& out);
void EncodeEnvelope(const EventMetadata& metadata, std::string& out);

// kInvalidArgument, naming the field, if a string is not UTF-8 or longer than 4 KiB.
absl::Status CheckEnvelope(const EnvelopeFields& fields);

// kDataLoss if the bytes are damaged: cut, an id of another length than 16, a string that is not UTF-8. Unknown fields
// are skipped, as a newer program may have written them.
absl::StatusOr<EventMetadata> DecodeEnvelope(std::string_view bytes);
// The same into memory that is used again; after an error the content is unspecified.
absl::Status DecodeEnvelopeInto(std::string_view bytes, EventMetadata& metadata);

// The id of a command's event number `index` (from 0): a UUID of version 8 (RFC 9562 section 5.8) from the XXH3-128 of
// the command id's 16 bytes and the index as 4 big-endian bytes. A repeated command gives the same ids.
Uuid EventIdOf(const CommandId& command_id, std::uint32_t index);

// One row of the map between the envelope and CloudEvents 1.0.
struct CloudEventAttribute {
  std::string_view field;      // of daybook.v1.Envelope; "" = kept beside the envelope, in the log record
  std::string_view attribute;  // CloudEvents context attribute: lower-case letters and digits
  std::string_view meaning;
};

// All attributes of a Daybook event, in the order of docs/reference/formats/envelope.md. One to one: no field and no
// attribute occurs twice.
inline constexpr std::array<CloudEventAttribute, 18> kCloudEventAttributes = {{
    {"", "specversion", "always 1.0"},
    {"", "source", "the partition: /daybook/<category>/<partition>"},
    {"", "type", "full name of the event's message"},
    {"", "subject", "the stream: category/key"},
    {"", "sequence", "position in the partition's log, decimal"},
    {"", "revision", "place in the stream, decimal"},
    {"event_id", "id", "UUID text"},
    {"command_id", "commandid", "UUID text"},
    {"correlation_id", "correlationid", "absent if empty"},
    {"causation_id", "causationid", "absent if empty"},
    {"actor", "actor", "absent if empty"},
    {"traceparent", "traceparent", "W3C trace context; absent if empty"},
    {"recorded_at_us", "recordedtime", "RFC 3339 UTC with six digits"},
    {"source_time_us", "time", "RFC 3339 UTC with six digits; recordedtime if the field is absent"},
    {"schema", "dataschema", "<type>#<schema version>"},
    {"event_index", "eventindex", "decimal, from 0"},
    {"event_count", "eventcount", "decimal"},
    {"source_change", "sourcechange", "absent if empty"},
}};

}  // namespace daybook::codec

#endif  // DAYBOOK_CODEC_ENVELOPE_H_
