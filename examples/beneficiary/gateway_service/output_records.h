#ifndef BENEFICIARY_GATEWAY_SERVICE_OUTPUT_RECORDS_H_
#define BENEFICIARY_GATEWAY_SERVICE_OUTPUT_RECORDS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "daybook/bus/command_record.h"
#include "daybook/bus/record.h"
#include "daybook/cdc/command_sink.h"
#include "daybook/cdc/gateway.h"

namespace beneficiary {

// What the gateway writes to topics, and reads back. A command is a bus/command_record.h with four extensions more:
// bosinstance, gatewaywriter (Gateway::writer), gatewayaggregate (Command::aggregate, in hexadecimal digits) and
// gatewayemission. A dead letter is the record as it was read, under the header names of Kafka Connect.
// docs/reference/formats/gateway-topics.md has every header.
//
// Thread safety: free functions.

// The actor of the gateway's commands.
inline constexpr std::string_view kGatewayActor = "bos-gateway";

// Who makes the record.
struct OutputWriter {
  std::string instance;  // of BOS
  std::string writer;    // Gateway::writer
};

daybook::bus::BusCommand ToBusCommand(const daybook::cdc::Command& command, const OutputWriter& by);

// A record of a command topic, as its gateway takes it in. `bytes` owns what `published` refers to besides the record.
struct ReadBack {
  std::string instance;
  std::string writer;
  std::string aggregate;
  std::string type;
  std::string payload;
  std::uint64_t emission = 0;
  daybook::Uuid id;

  daybook::cdc::Published View() const { return {writer, aggregate, emission, id, type, payload}; }
};

// nullopt: no record of a gateway (of the API, say). kInvalidArgument: one whose extensions are malformed.
absl::StatusOr<std::optional<ReadBack>> ReadBackCommand(const daybook::bus::Record& record);

// A dead letter as a record of DeadLetterTopic(original topic). `topic` and `headers` own what it refers to. A letter
// that was read from a replay topic keeps the place where it was first read.
daybook::bus::OutgoingRecord ToDeadLetterRecord(const daybook::cdc::DeadLetter& letter, const OutputWriter& by,
                                                std::string& topic, daybook::bus::HeaderList& headers);

// nullopt: not one of ToDeadLetterRecord.
std::optional<ReadBack> ReadBackDeadLetter(const daybook::bus::Record& record);

// The topic of the record that a letter was made of: that of `letter`, or of the letter that was sent back.
std::string OriginalTopic(const daybook::cdc::DeadLetter& letter);

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_SERVICE_OUTPUT_RECORDS_H_
