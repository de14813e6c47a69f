#ifndef DAYBOOK_BUS_COMMAND_RECORD_H_
#define DAYBOOK_BUS_COMMAND_RECORD_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daybook/bus/record.h"
#include "daybook/core/stream_id.h"
#include "daybook/core/timestamp.h"
#include "daybook/core/uuid.h"

namespace daybook::bus {

// A command on its way through a command topic, "<domain>.<aggregate>.commands.v1".
struct BusCommand {
  CommandId id;  // the same however often it is sent: what a reader recognises a duplicate by
  StreamId stream;
  std::string type;     // full protobuf name of the message
  std::string payload;  // the message, serialised
  std::string source;   // who sends it, a URI reference: "/beneficiary/gateway/uk"
  std::string actor;    // who asked; "" = unknown
  std::string correlation_id;
  std::string causation_id;
  std::string traceparent;
  std::optional<Timestamp> source_time;  // commit time at the source system, where there is one
  std::string source_change;             // what that system calls its transaction; "" = it does not say
  // CloudEvents extensions besides these, without "ce_": names of lower-case letters and digits.
  std::vector<std::pair<std::string, std::string>> extensions;

  friend bool operator==(const BusCommand&, const BusCommand&) = default;
};

// A command as a record and back: CloudEvents in binary mode (docs/reference/formats/cloudevents.md). The key is the
// aggregate's, so that commands of one aggregate keep their order; the value is the message alone; ce_id is the command
// id, ce_type the message's name, ce_subject the stream, ce_time the commit time at the source.
//
//   HeaderList headers;
//   DAYBOOK_ASSIGN_OR_RETURN(OutgoingRecord record, EncodeCommand("beneficiary.client.commands.v1", command, headers));
//   DAYBOOK_RETURN_IF_ERROR(producer->Send(record));
//   …
//   DAYBOOK_ASSIGN_OR_RETURN(BusCommand read, DecodeCommand(record));       // DecodeCommand(EncodeCommand(c)) == c
//
// Thread safety: free functions.

// The record refers to `topic`, `command` and `headers`, whose content is replaced. kInvalidArgument naming the field:
// nil id, malformed stream, empty type or source, a text that is not UTF-8 or too long.
absl::StatusOr<OutgoingRecord> EncodeCommand(std::string_view topic, const BusCommand& command, HeaderList& headers);

// kInvalidArgument with reason NOT_A_COMMAND, naming topic, partition, offset and what is wrong: no CloudEvent in
// binary mode, a tombstone, another content type than protobuf, a subject that is no stream, a key that is not the
// stream's.
absl::StatusOr<BusCommand> DecodeCommand(const Record& record);

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_COMMAND_RECORD_H_
