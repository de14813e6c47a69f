#ifndef DAYBOOK_BUS_DEAD_LETTER_WRITER_H_
#define DAYBOOK_BUS_DEAD_LETTER_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/bus.h"

namespace daybook::bus {

struct DeadLetterWriterOptions {
  std::string name;                 // of the process, in the letters: "beneficiary-query"
  std::vector<std::string> topics;  // whose records may be set aside; letters go to "<topic>.dlq"
  std::size_t waiting_max = 1000;   // not sent yet; more are given up, and counted
  absl::Duration retry_delay_min = absl::Milliseconds(50);
  absl::Duration retry_delay_max = absl::Seconds(5);
};

struct DeadLetterWriterStats {
  std::uint64_t written = 0;
  std::uint64_t there_before = 0;  // of an earlier run, or of another process
  std::uint64_t waiting = 0;
  std::uint64_t given_up = 0;  // no room
};

// Writes dead letters of records that stay on their topic, so that nothing waits for a letter: for readers of topics
// that are kept for ever. What of another process must not be passed before its letter is durable is not for this
// (command_consumer.h).
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto letters, DeadLetterWriter::Start({.name = "query", .topics = {"events.v1"}}, *bus));
//   letters->Write(record, status);
//
// Thread safety: every method from any thread. The bus outlives it.
// Invariant: a record whose letter is among the last 10,000 on the dead-letter topic is not written again; several
// processes that meet it at the same moment may each write one, with the same place in its headers.
class DeadLetterWriter {
 public:
  // kInvalidArgument: no name or topics.
  static absl::StatusOr<std::unique_ptr<DeadLetterWriter>> Start(DeadLetterWriterOptions options, Bus& bus);
  // What waits is left unwritten.
  ~DeadLetterWriter();

  // Copies the record, and returns at once. Where there is no room to wait it is given up: counted, and logged.
  void Write(const Record& record, const absl::Status& why);

  DeadLetterWriterStats stats() const;

 private:
  struct Impl;
  explicit DeadLetterWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_DEAD_LETTER_WRITER_H_
