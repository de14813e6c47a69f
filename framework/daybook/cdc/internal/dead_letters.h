#ifndef DAYBOOK_CDC_INTERNAL_DEAD_LETTERS_H_
#define DAYBOOK_CDC_INTERNAL_DEAD_LETTERS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "daybook/cdc/command_sink.h"
#include "daybook/cdc/record.h"
#include "daybook/core/timestamp.h"

namespace daybook::cdc::internal {

// A file of records, lines, aggregates and commands that were set aside, one JSON object a line; the records in the
// form that RecordFile reads, so that they can be given to the gateway again.
//
// Thread safety: one thread.
class DeadLetters {
 public:
  // Writes to directory/name.ndjson; both are created by the first Sync with something to write.
  DeadLetters(std::string directory, std::string name);
  ~DeadLetters();
  DeadLetters(const DeadLetters&) = delete;
  DeadLetters& operator=(const DeadLetters&) = delete;

  void AddRecord(const Record& record, const absl::Status& why, Timestamp now);
  void AddLine(std::string_view raw, std::string_view place, const absl::Status& why, Timestamp now);
  void AddAggregate(std::string_view aggregate, std::string_view key, const absl::Status& why, Timestamp now);
  void AddCommand(const Command& command, const absl::Status& why, Timestamp now);

  // Makes what was added durable. After an error it is still there and the next Sync tries again.
  absl::Status Sync();

 private:
  void Finish(const absl::Status& why, Timestamp now);

  std::string directory_;
  std::string path_;
  std::string lines_;
  int file_ = -1;
};

}  // namespace daybook::cdc::internal

#endif  // DAYBOOK_CDC_INTERNAL_DEAD_LETTERS_H_
