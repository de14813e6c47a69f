#include "daybook/cloudevents/binary_mode.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/shape.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/codec/envelope.h"

namespace daybook::cloudevents {
namespace {

constexpr std::string_view kPrefix = "ce_";
constexpr std::string_view kContentType = "content-type";
constexpr std::string_view kTraceparent = "traceparent";
constexpr std::size_t kTextBytesMax = 4096;

absl::Status Malformed(std::string_view attribute, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("CloudEvents attribute ", ToAbsl(attribute), " ", ToAbsl(why)));
}

absl::Status CheckText(std::string_view attribute, std::string_view value) {
  if (value.size() > kTextBytesMax) {
    return Malformed(attribute, ToStd(absl::StrCat("has ", value.size(), " bytes; at most ", kTextBytesMax)));
  }
  if (!IsValidUtf8(value)) return Malformed(attribute, "is not UTF-8");
  return absl::OkStatus();
}

bool IsAttributeName(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

// The row of codec::kCloudEventAttributes; its size if the attribute is none of ours.
std::size_t IndexOf(std::string_view attribute) {
  const auto& ours = codec::kCloudEventAttributes;
  const auto* found =
      std::find_if(ours.begin(), ours.end(), [&](const auto& row) { return row.attribute == attribute; });
  return static_cast<std::size_t>(found - ours.begin());
}

absl::Status CheckExtensions(const Context& context) {
  const auto& extensions = context.extensions;
  for (std::size_t i = 0; i < extensions.size(); ++i) {
    const auto& [name, value] = extensions[i];
    if (!IsAttributeName(name)) return Malformed(name, "is not named by lower-case letters and digits");
    if (IndexOf(name) < codec::kCloudEventAttributes.size() || name == "datacontenttype" || name == "data") {
      return Malformed(name, "is not free to be an extension");
    }
    for (std::size_t before = 0; before < i; ++before) {
      if (extensions[before].first == name) return Malformed(name, "occurs twice");
    }
    DAYBOOK_RETURN_IF_ERROR(CheckText(name, value));
  }
  return absl::OkStatus();
}

absl::Status Check(const Context& context) {
  if (context.metadata.event_id.IsNil()) return Malformed("id", "is missing");
  if (context.source.empty()) return Malformed("source", "is missing");
  if (context.type.empty()) return Malformed("type", "is missing");
  const EventMetadata& m = context.metadata;
  const std::pair<std::string_view, std::string_view> texts[] = {{"type", context.type},
                                                                 {"source", context.source},
                                                                 {"subject", context.subject},
                                                                 {"dataschema", context.data_type},
                                                                 {"datacontenttype", context.content_type},
                                                                 {"correlationid", m.correlation_id},
                                                                 {"causationid", m.causation_id},
                                                                 {"actor", m.actor},
                                                                 {"traceparent", m.traceparent},
                                                                 {"sourcechange", m.source_change}};
  for (const auto& text : texts) DAYBOOK_RETURN_IF_ERROR(CheckText(text.first, text.second));
  return CheckExtensions(context);
}

// Writes the headers of a context that was checked.
class Encoder {
 public:
  explicit Encoder(HeaderList& headers) : headers_(headers) {}

  void Text(std::string_view attribute, std::string_view value) {
    if (value.empty()) return;
    name_.assign(kPrefix).append(attribute);
    headers_.Add(name_, value);
  }
  void Number(std::string_view attribute, std::uint64_t value) { Text(attribute, absl::StrCat(value)); }

 private:
  HeaderList& headers_;
  std::string name_;
};

std::string TimeOf(const EventMetadata& metadata) {
  if (metadata.source_time.has_value()) return FormatTimestamp(*metadata.source_time);
  return metadata.recorded_at == Timestamp() ? "" : FormatTimestamp(metadata.recorded_at);
}

template <class Number>
absl::Status ReadNumber(std::string_view attribute, std::string_view value, Number& number) {
  std::uint64_t read = 0;
  if (!absl::SimpleAtoi(ToAbsl(value), &read) || read > std::numeric_limits<Number>::max()) {
    return Malformed(attribute, ToStd(absl::StrCat("is no number: ", ShapeOf(value))));
  }
  number = static_cast<Number>(read);
  return absl::OkStatus();
}

absl::Status ReadUuid(std::string_view attribute, std::string_view value, Uuid& id) {
  const std::optional<Uuid> read = Uuid::Parse(value);
  if (!read.has_value()) return Malformed(attribute, "is no UUID");
  id = *read;
  return absl::OkStatus();
}

absl::Status ReadTime(std::string_view attribute, std::string_view value, std::optional<Timestamp>& time) {
  const absl::StatusOr<Timestamp> read = ParseTimestamp(value);
  if (!read.ok()) return Malformed(attribute, "is no RFC 3339 time");
  time = *read;
  return absl::OkStatus();
}

void ReadSchema(std::string_view value, Context& context) {
  const std::size_t mark = value.rfind('#');
  std::uint32_t schema = 0;
  if (mark != std::string_view::npos && absl::SimpleAtoi(ToAbsl(value.substr(mark + 1)), &schema) && schema > 0) {
    context.metadata.schema = schema;
    value = value.substr(0, mark);
  }
  context.data_type.assign(value);
}

// Gathers a context from its headers, one at a time.
class Decoder {
 public:
  absl::Status Take(const Header& header) {
    if (header.name == kContentType) {
      if (header.value.has_value()) context_.content_type.assign(*header.value);
      return absl::OkStatus();
    }
    if (header.name == kTraceparent) {
      plain_traceparent_ = header.value.value_or("");
      return absl::OkStatus();
    }
    if (!header.name.starts_with(kPrefix)) return absl::OkStatus();
    const std::string_view attribute = header.name.substr(kPrefix.size());
    const std::size_t index = IndexOf(attribute);
    if (index == codec::kCloudEventAttributes.size()) return TakeExtension(attribute, header.value);
    if (seen_.test(index)) return Malformed(attribute, "occurs twice");
    if (!header.value.has_value()) return Malformed(attribute, "is null");
    seen_.set(index);
    DAYBOOK_RETURN_IF_ERROR(CheckText(attribute, *header.value));
    return TakeOurs(attribute, *header.value);
  }

  absl::StatusOr<Context> Finish() {
    for (const std::string_view required : {"specversion", "id", "source", "type"}) {
      if (!seen_.test(IndexOf(required))) return Malformed(required, "is missing");
    }
    EventMetadata& m = context_.metadata;
    m.recorded_at = recorded_.value_or(time_.value_or(Timestamp()));
    if (time_.has_value() && *time_ != m.recorded_at) m.source_time = time_;
    if (m.traceparent.empty() && CheckText(kTraceparent, plain_traceparent_).ok()) {
      m.traceparent.assign(plain_traceparent_);
    }
    if (context_.data_type.empty()) context_.data_type = context_.type;
    if (context_.content_type.empty()) context_.content_type.assign(kProtobufContentType);
    return std::move(context_);
  }

 private:
  absl::Status TakeExtension(std::string_view name, std::optional<std::string_view> value) {
    if (!IsAttributeName(name)) return Malformed(ShapeOf(name), "is not named by lower-case letters and digits");
    if (!value.has_value()) return absl::OkStatus();
    DAYBOOK_RETURN_IF_ERROR(CheckText(name, *value));
    for (const auto& extension : context_.extensions) {
      if (extension.first == name) return Malformed(name, "occurs twice");
    }
    context_.extensions.emplace_back(std::string(name), std::string(*value));
    return absl::OkStatus();
  }

  absl::Status TakeOurs(std::string_view name, std::string_view value) {
    EventMetadata& m = context_.metadata;
    if (name == "specversion") {
      return value.starts_with("1.") ? absl::OkStatus() : Malformed(name, "is not 1.x");
    }
    for (const auto& [attribute, text] : {std::pair<std::string_view, std::string*>{"source", &context_.source},
                                          {"type", &context_.type},
                                          {"subject", &context_.subject},
                                          {"correlationid", &m.correlation_id},
                                          {"causationid", &m.causation_id},
                                          {"actor", &m.actor},
                                          {"traceparent", &m.traceparent},
                                          {"sourcechange", &m.source_change}}) {
      if (name != attribute) continue;
      text->assign(value);
      const bool required = name == "source" || name == "type";
      return required && value.empty() ? Malformed(name, "is empty") : absl::OkStatus();
    }
    return TakeTyped(name, value);
  }

  absl::Status TakeTyped(std::string_view name, std::string_view value) {
    EventMetadata& m = context_.metadata;
    std::uint64_t number = 0;
    if (name == "id") return ReadUuid(name, value, m.event_id);
    if (name == "commandid") {
      Uuid id;
      DAYBOOK_RETURN_IF_ERROR(ReadUuid(name, value, id));
      m.command_id = CommandId(id);
    } else if (name == "sequence") {
      DAYBOOK_RETURN_IF_ERROR(ReadNumber(name, value, number));
      context_.sequence = Position(number);
    } else if (name == "revision") {
      DAYBOOK_RETURN_IF_ERROR(ReadNumber(name, value, number));
      context_.revision = Revision(number);
    } else if (name == "recordedtime") {
      return ReadTime(name, value, recorded_);
    } else if (name == "time") {
      return ReadTime(name, value, time_);
    } else if (name == "dataschema") {
      ReadSchema(value, context_);
    } else if (name == "eventindex") {
      return ReadNumber(name, value, m.event_index);
    } else if (name == "eventcount") {
      return ReadNumber(name, value, m.event_count);
    }
    return absl::OkStatus();
  }

  Context context_;
  std::bitset<codec::kCloudEventAttributes.size()> seen_;
  std::optional<Timestamp> recorded_;
  std::optional<Timestamp> time_;
  std::string_view plain_traceparent_;
};

auto Tied(const Context& c) {
  const EventMetadata& m = c.metadata;
  return std::tie(c.type, c.source, c.subject, c.data_type, c.content_type, c.sequence, c.revision, c.extensions,
                  m.event_id, m.command_id, m.correlation_id, m.causation_id, m.actor, m.traceparent, m.recorded_at,
                  m.source_time, m.event_index, m.event_count, m.schema, m.source_change);
}

}  // namespace

bool operator==(const Context& a, const Context& b) { return Tied(a) == Tied(b); }

std::string SourceOf(std::string_view category, PartitionId partition) {
  return absl::StrCat("/daybook/", ToAbsl(category), "/", partition.value());
}

std::string SequenceText(Position sequence) { return absl::StrCat(absl::Dec(sequence.value(), absl::kZeroPad20)); }

absl::Status EncodeBinary(const Context& context, HeaderList& headers) {
  DAYBOOK_RETURN_IF_ERROR(Check(context));
  const EventMetadata& m = context.metadata;
  headers.Add(kContentType,
              context.content_type.empty() ? kProtobufContentType : std::string_view(context.content_type));
  Encoder out(headers);
  out.Text("specversion", "1.0");
  out.Text("source", context.source);
  out.Text("type", context.type);
  out.Text("subject", context.subject);
  if (context.sequence != Position()) out.Text("sequence", SequenceText(context.sequence));
  if (context.revision != Revision()) out.Number("revision", context.revision.value());
  out.Text("id", m.event_id.ToString());
  if (!m.command_id.uuid().IsNil()) out.Text("commandid", m.command_id.ToString());
  out.Text("correlationid", m.correlation_id);
  out.Text("causationid", m.causation_id);
  out.Text("actor", m.actor);
  out.Text("traceparent", m.traceparent);
  out.Text("sourcechange", m.source_change);
  if (m.recorded_at != Timestamp()) out.Text("recordedtime", FormatTimestamp(m.recorded_at));
  out.Text("time", TimeOf(m));
  out.Text("dataschema",
           absl::StrCat(context.data_type.empty() ? context.type : context.data_type, "#", std::max(m.schema, 1u)));
  if (context.revision != Revision()) {
    out.Number("eventindex", m.event_index);
    out.Number("eventcount", m.event_count);
  }
  for (const auto& [name, value] : context.extensions) out.Text(name, value);
  if (!m.traceparent.empty()) headers.Add(kTraceparent, m.traceparent);
  return absl::OkStatus();
}

absl::StatusOr<Context> DecodeBinary(std::span<const Header> headers) {
  Decoder decoder;
  for (const Header& header : headers) DAYBOOK_RETURN_IF_ERROR(decoder.Take(header));
  return decoder.Finish();
}

bool IsBinaryMode(std::span<const Header> headers) { return FindHeader(headers, "ce_specversion").has_value(); }

}  // namespace daybook::cloudevents
