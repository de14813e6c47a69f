#ifndef DAYBOOK_BUS_DEAD_LETTER_H_
#define DAYBOOK_BUS_DEAD_LETTER_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "daybook/bus/record.h"

namespace daybook::bus {

// How the names of the headers begin that make a record a dead letter: Kafka Connect's.
inline constexpr std::string_view kLetterHeaderPrefix = "__connect.errors.";

// "<topic>.dlq".
std::string DeadLetterTopic(std::string_view topic);

// Who could not use a record, and why.
struct DeadLetterCause {
  std::string_view component;  // "beneficiary-command": connector.name
  std::string_view stage;      // "VALUE_CONVERTER" (undecodable), "TASK_PUT" (could not be carried out)
  absl::Status status;
};

// A record for the dead-letter topic: key, value and headers as they were, byte for byte, and behind them the headers
// that Kafka Connect writes (__connect.errors.topic, .partition, .offset, .connector.name, .task.id, .stage,
// .exception.class.name, .exception.message), so that what reads Connect's dead letters reads these. A reason
// (base/reason.h) is in the class name: "INVALID_ARGUMENT:UNKNOWN_COMMAND_TYPE". Personal data is in the value as it
// was; the message has none of it.
//
//   HeaderList headers;
//   producer.Send(MakeDeadLetter(record, {"payee-command", "TASK_PUT", status}, topic, headers), done);
//
// It refers to its arguments; `headers` is replaced.
OutgoingRecord MakeDeadLetter(const Record& record, const DeadLetterCause& cause, std::string_view dead_letter_topic,
                              HeaderList& headers);

// Where a record lies.
struct RecordPlace {
  TopicPartition partition;
  Offset offset;

  friend auto operator<=>(const RecordPlace&, const RecordPlace&) = default;
};

// Where the record of a letter lay, as MakeDeadLetter wrote it, whatever like it the record bore itself. nullopt: it
// does not say.
std::optional<RecordPlace> PlaceOfLetter(const Record& letter);

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_DEAD_LETTER_H_
