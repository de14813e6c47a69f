#include "beneficiary/gateway_service/output_records.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "beneficiary/gateway_service/topics.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/dead_letter.h"

namespace beneficiary {

namespace bus = daybook::bus;
namespace cdc = daybook::cdc;
using daybook::ToAbsl;

namespace {

constexpr std::string_view kInstance = "bosinstance";
constexpr std::string_view kWriter = "gatewaywriter";
constexpr std::string_view kAggregate = "gatewayaggregate";
constexpr std::string_view kEmission = "gatewayemission";

// Kafka Connect's names, so that tools for its dead letters read these.
constexpr std::string_view kConnectTopic = "__connect.errors.topic";
constexpr std::string_view kConnectPartition = "__connect.errors.partition";
constexpr std::string_view kConnectOffset = "__connect.errors.offset";
// Ours.
constexpr std::string_view kOwnPrefix = "daybook.dead_letter.";
constexpr std::string_view kLetterId = "daybook.dead_letter.id";
constexpr std::string_view kLetterWriter = "daybook.dead_letter.writer";

bool IsAboutTheLetter(std::string_view header) {
  return absl::StartsWith(ToAbsl(header), ToAbsl(bus::kLetterHeaderPrefix)) ||
         absl::StartsWith(ToAbsl(header), ToAbsl(kOwnPrefix));
}

const std::string* Find(const cdc::DeadLetter& letter, std::string_view name) {
  for (const cdc::DeadLetter::Header& header : letter.headers) {
    if (header.name == name) return &header.value;
  }
  return nullptr;
}

}  // namespace

bus::BusCommand ToBusCommand(const cdc::Command& command, const OutputWriter& by) {
  bus::BusCommand out;
  out.id = command.id;
  out.stream = command.stream;
  out.type = command.type;
  out.payload = command.payload;
  out.source = absl::StrCat("/beneficiary/gateway/", by.instance);
  out.actor = std::string(kGatewayActor);
  if (command.source_time != daybook::Timestamp()) out.source_time = command.source_time;
  out.source_change = command.source_change;
  out.extensions = {{std::string(kInstance), by.instance},
                    {std::string(kWriter), by.writer},
                    {std::string(kAggregate), absl::BytesToHexString(command.aggregate)},
                    {std::string(kEmission), absl::StrCat(command.emission)}};
  return out;
}

absl::StatusOr<std::optional<ReadBack>> ReadBackCommand(const bus::Record& record) {
  absl::StatusOr<bus::BusCommand> command = bus::DecodeCommand(record);
  if (!command.ok()) return std::optional<ReadBack>();
  ReadBack read;
  bool has_emission = false;
  for (auto& [name, value] : command->extensions) {
    if (name == kInstance) read.instance = std::move(value);
    if (name == kWriter) read.writer = std::move(value);
    if (name == kAggregate) read.aggregate = absl::HexStringToBytes(value);
    if (name == kEmission) has_emission = absl::SimpleAtoi(value, &read.emission);
  }
  if (read.writer.empty()) return std::optional<ReadBack>();
  if (read.instance.empty() || read.aggregate.empty() || !has_emission) {
    return absl::InvalidArgumentError(absl::StrCat(
        ToAbsl(record.topic), "/", record.partition.value(), "@", record.offset.value(),
        ": a gateway's command without ", ToAbsl(kInstance), ", ", ToAbsl(kAggregate), " or ", ToAbsl(kEmission)));
  }
  read.id = command->id.uuid();
  read.type = std::move(command->type);
  read.payload = std::move(command->payload);
  return std::optional<ReadBack>(std::move(read));
}

std::string OriginalTopic(const cdc::DeadLetter& letter) {
  // Anybody may write such a header; only on a replay topic it is ours.
  const std::string* first = absl::EndsWith(letter.topic, ".replay") ? Find(letter, kConnectTopic) : nullptr;
  return first != nullptr ? *first : letter.topic;
}

bus::OutgoingRecord ToDeadLetterRecord(const cdc::DeadLetter& letter, const OutputWriter& by, std::string& topic,
                                       bus::HeaderList& headers) {
  const std::string original = OriginalTopic(letter);
  topic = DeadLetterTopic(original);
  headers.Clear();
  for (const cdc::DeadLetter::Header& header : letter.headers) {
    if (!IsAboutTheLetter(header.name)) headers.Add(header.name, header.value);
  }
  const auto first_or = [&](std::string_view name, std::int64_t here) {
    const std::string* first = original == letter.topic ? nullptr : Find(letter, name);
    return first != nullptr ? *first : absl::StrCat(here);
  };
  headers.Add(kConnectTopic, original);
  headers.Add(kConnectPartition, first_or(kConnectPartition, letter.partition));
  headers.Add(kConnectOffset, first_or(kConnectOffset, letter.offset));
  headers.Add("__connect.errors.connector.name", absl::StrCat("beneficiary-gateway-", by.instance));
  headers.Add("__connect.errors.task.id", "0");
  headers.Add("__connect.errors.stage", "VALUE_CONVERTER");
  headers.Add("__connect.errors.class.name", "daybook::cdc::ChangeParser");
  headers.Add("__connect.errors.exception.class.name", absl::StatusCodeToString(letter.why.code()));
  headers.Add("__connect.errors.exception.message", daybook::ToStd(letter.why.message()));
  headers.AddNull("__connect.errors.exception.stacktrace");
  headers.Add(kLetterId, letter.id.ToString());
  headers.Add(kLetterWriter, by.writer);
  headers.Add("daybook.dead_letter.time", daybook::FormatTimestamp(letter.at));
  bus::OutgoingRecord record;
  record.topic = topic;
  record.key = letter.key;
  record.value = letter.value;
  record.headers = headers.view();
  if (letter.timestamp != daybook::Timestamp()) record.timestamp = letter.timestamp;
  return record;
}

std::optional<ReadBack> ReadBackDeadLetter(const bus::Record& record) {
  const auto id = daybook::cloudevents::FindHeader(record.headers, kLetterId);
  const auto writer = daybook::cloudevents::FindHeader(record.headers, kLetterWriter);
  if (!id || !writer) return std::nullopt;
  const std::optional<daybook::Uuid> uuid = daybook::Uuid::Parse(*id);
  if (!uuid) return std::nullopt;
  ReadBack read;
  read.id = *uuid;
  read.writer = std::string(*writer);
  return read;
}

}  // namespace beneficiary
