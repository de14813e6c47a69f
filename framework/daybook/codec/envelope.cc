#include "daybook/codec/envelope.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/codec/message_codec.h"
#include "daybook/v1/envelope.pb.h"

namespace daybook::codec {
namespace {

// Wire types of https://protobuf.dev/programming-guides/encoding/#structure.
constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kBytes = 2;
constexpr std::uint32_t Tag(std::uint32_t field, std::uint32_t wire_type) { return field << 3 | wire_type; }

constexpr std::uint32_t kEventId = Tag(1, kBytes);
constexpr std::uint32_t kCommandId = Tag(2, kBytes);
constexpr std::uint32_t kCorrelationId = Tag(3, kBytes);
constexpr std::uint32_t kCausationId = Tag(4, kBytes);
constexpr std::uint32_t kActor = Tag(5, kBytes);
constexpr std::uint32_t kTraceparent = Tag(6, kBytes);
constexpr std::uint32_t kRecordedAt = Tag(7, kVarint);
constexpr std::uint32_t kSourceTime = Tag(8, kVarint);
constexpr std::uint32_t kSchema = Tag(9, kVarint);
constexpr std::uint32_t kEventIndex = Tag(10, kVarint);
constexpr std::uint32_t kEventCount = Tag(11, kVarint);
constexpr std::uint32_t kSourceChange = Tag(12, kBytes);

constexpr std::size_t kStringBytesMax = 4096;

class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}

  void Bytes(std::uint32_t tag, std::string_view value) {
    if (value.empty()) return;
    *at_++ = static_cast<char>(tag);
    Varint(value.size());
    std::memcpy(at_, value.data(), value.size());
    at_ += value.size();
  }
  void Number(std::uint32_t tag, std::uint64_t value) {
    if (value != 0) NumberAlways(tag, value);
  }
  void NumberAlways(std::uint32_t tag, std::uint64_t value) {
    *at_++ = static_cast<char>(tag);
    Varint(value);
  }
  const char* at() const { return at_; }

 private:
  void Varint(std::uint64_t value) {
    while (value >= 0x80) {
      *at_++ = static_cast<char>(value | 0x80);
      value >>= 7;
    }
    *at_++ = static_cast<char>(value);
  }

  char* at_;
};

absl::Status Damaged(std::string_view what) {
  return absl::DataLossError(absl::StrCat("envelope damaged: ", ToAbsl(what)));
}

absl::Status ReadId(std::string_view bytes, std::string_view name, Uuid& id) {
  if (bytes.empty()) {
    id = Uuid();
    return absl::OkStatus();
  }
  const std::optional<Uuid> read = Uuid::FromBytes(bytes);
  if (!read.has_value()) {
    return Damaged(ToStd(absl::StrCat(ToAbsl(name), " has ", bytes.size(), " bytes instead of 16")));
  }
  id = *read;
  return absl::OkStatus();
}

absl::Status ReadString(std::string_view bytes, std::string_view name, std::string& value) {
  if (!IsValidUtf8(bytes)) return Damaged(ToStd(absl::StrCat(ToAbsl(name), " is not UTF-8")));
  value.assign(bytes);
  return absl::OkStatus();
}

absl::Status ReadBytesField(std::uint64_t tag, std::string_view bytes, EventMetadata& metadata) {
  switch (tag) {
    case kEventId:
      return ReadId(bytes, "event_id", metadata.event_id);
    case kCommandId: {
      Uuid id;
      DAYBOOK_RETURN_IF_ERROR(ReadId(bytes, "command_id", id));
      metadata.command_id = CommandId(id);
      return absl::OkStatus();
    }
    case kCorrelationId:
      return ReadString(bytes, "correlation_id", metadata.correlation_id);
    case kCausationId:
      return ReadString(bytes, "causation_id", metadata.causation_id);
    case kActor:
      return ReadString(bytes, "actor", metadata.actor);
    case kTraceparent:
      return ReadString(bytes, "traceparent", metadata.traceparent);
    case kSourceChange:
      return ReadString(bytes, "source_change", metadata.source_change);
    default:
      return absl::OkStatus();  // a newer program's field
  }
}

void ReadNumberField(std::uint64_t tag, std::uint64_t value, EventMetadata& metadata) {
  switch (tag) {
    case kRecordedAt:
      metadata.recorded_at = Timestamp::FromMicros(static_cast<std::int64_t>(value));
      break;
    case kSourceTime:
      metadata.source_time = Timestamp::FromMicros(static_cast<std::int64_t>(value));
      break;
    case kSchema:
      metadata.schema = static_cast<std::uint32_t>(value);
      break;
    case kEventIndex:
      metadata.event_index = static_cast<std::uint32_t>(value);
      break;
    case kEventCount:
      metadata.event_count = static_cast<std::uint32_t>(value);
      break;
    default:
      break;  // a newer program's field
  }
}

// Keeps the strings' memory.
void Reset(EventMetadata& metadata) {
  metadata.event_id = Uuid();
  metadata.command_id = CommandId();
  metadata.correlation_id.clear();
  metadata.causation_id.clear();
  metadata.actor.clear();
  metadata.traceparent.clear();
  metadata.recorded_at = Timestamp();
  metadata.source_time.reset();
  metadata.event_index = 0;
  metadata.event_count = 0;
  metadata.schema = 0;
  metadata.source_change.clear();
}

// The generated class, for what the quick reader does not know: fixed-width and group fields of a newer program.
absl::Status DecodeSlowly(std::string_view bytes, EventMetadata& metadata) {
  v1::Envelope envelope;
  DAYBOOK_RETURN_IF_ERROR(ParseStrictly(bytes, envelope));
  envelope.DiscardUnknownFields();
  const std::string known = SerializeDeterministically(envelope);
  return DecodeEnvelopeInto(known, metadata);
}

}  // namespace

void EncodeEnvelope(const EnvelopeFields& f, std::string& out) {
  constexpr std::size_t kFixedBytesMax = 2 * 18 + 5 * 6 + 2 * 11 + 3 * 6;
  const std::size_t before = out.size();
  out.resize(before + kFixedBytesMax + f.correlation_id.size() + f.causation_id.size() + f.actor.size() +
             f.traceparent.size() + f.source_change.size());
  Writer w(out.data() + before);
  if (!f.event_id.IsNil()) w.Bytes(kEventId, f.event_id.raw());
  if (!f.command_id.uuid().IsNil()) w.Bytes(kCommandId, f.command_id.uuid().raw());
  w.Bytes(kCorrelationId, f.correlation_id);
  w.Bytes(kCausationId, f.causation_id);
  w.Bytes(kActor, f.actor);
  w.Bytes(kTraceparent, f.traceparent);
  w.Number(kRecordedAt, static_cast<std::uint64_t>(f.recorded_at.micros()));
  if (f.source_time.has_value()) w.NumberAlways(kSourceTime, static_cast<std::uint64_t>(f.source_time->micros()));
  w.Number(kSchema, f.schema);
  w.Number(kEventIndex, f.event_index);
  w.Number(kEventCount, f.event_count);
  w.Bytes(kSourceChange, f.source_change);
  out.resize(static_cast<std::size_t>(w.at() - out.data()));
}

void EncodeEnvelope(const EventMetadata& m, std::string& out) {
  EncodeEnvelope(EnvelopeFields{m.event_id, m.command_id, m.correlation_id, m.causation_id, m.actor, m.traceparent,
                                m.recorded_at, m.source_time, m.event_index, m.event_count, m.schema, m.source_change},
                 out);
}

absl::Status CheckEnvelope(const EnvelopeFields& f) {
  const std::pair<std::string_view, std::string_view> strings[] = {{"correlation_id", f.correlation_id},
                                                                   {"causation_id", f.causation_id},
                                                                   {"actor", f.actor},
                                                                   {"traceparent", f.traceparent},
                                                                   {"source_change", f.source_change}};
  for (const auto& named : strings) {
    if (named.second.size() > kStringBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat(ToAbsl(named.first), " has ", named.second.size(),
                                                     " bytes; at most ", kStringBytesMax, " are stored"));
    }
    if (!IsValidUtf8(named.second)) {
      return absl::InvalidArgumentError(absl::StrCat(ToAbsl(named.first), " is not UTF-8"));
    }
  }
  return absl::OkStatus();
}

absl::Status DecodeEnvelopeInto(std::string_view bytes, EventMetadata& metadata) {
  Reset(metadata);
  std::string_view rest = bytes;
  while (!rest.empty()) {
    std::uint64_t tag = 0;
    if (!ConsumeVarint(rest, tag)) return Damaged("it ends inside a tag");
    if ((tag >> 3) == 0) return Damaged("a tag that is none");
    if (tag > 0xffffffffu) return Damaged("a tag of more than 32 bits");
    if ((tag & 7) == kBytes) {
      std::string_view value;
      if (!ConsumeLengthPrefixed(rest, value)) return Damaged("it ends inside a field");
      DAYBOOK_RETURN_IF_ERROR(ReadBytesField(tag, value, metadata));
    } else if ((tag & 7) == kVarint) {
      std::uint64_t value = 0;
      if (!ConsumeVarint(rest, value)) return Damaged("it ends inside a number");
      ReadNumberField(tag, value, metadata);
    } else {
      return DecodeSlowly(bytes, metadata);
    }
  }
  if (metadata.event_count == 0) metadata.event_count = 1;
  if (metadata.schema == 0) metadata.schema = 1;
  return absl::OkStatus();
}

absl::StatusOr<EventMetadata> DecodeEnvelope(std::string_view bytes) {
  EventMetadata metadata;
  DAYBOOK_RETURN_IF_ERROR(DecodeEnvelopeInto(bytes, metadata));
  return metadata;
}

Uuid EventIdOf(const CommandId& command_id, std::uint32_t index) {
  char name[Uuid::kSize + 4];
  std::memcpy(name, command_id.uuid().raw().data(), Uuid::kSize);
  for (int i = 0; i < 4; ++i) name[Uuid::kSize + i] = static_cast<char>(index >> (24 - 8 * i));
  std::array<std::uint8_t, 16> bits = Hash128(std::string_view(name, sizeof(name)));
  bits[6] = static_cast<std::uint8_t>((bits[6] & 0x0f) | 0x80);
  bits[8] = static_cast<std::uint8_t>((bits[8] & 0x3f) | 0x80);
  return Uuid(bits);
}

}  // namespace daybook::codec
