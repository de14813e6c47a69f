#ifndef DAYBOOK_BUS_COMMAND_CONSUMER_H_
#define DAYBOOK_BUS_COMMAND_CONSUMER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/bus/bus.h"
#include "daybook/bus/command_router.h"
#include "daybook/runtime/partition.h"

namespace daybook::bus {

// A command that has its outcome; for metrics.
struct AnsweredCommand {
  std::string_view topic;
  runtime::CommandOutcome::Result result = runtime::CommandOutcome::Result::kUnchanged;
  bool duplicate = false;
  absl::Duration since_sent;                   // from the record's time-stamp
  std::optional<absl::Duration> since_source;  // from the commit at the source system
};

struct CommandConsumerOptions {
  std::string name = "command-consumer";  // for metrics, logs, and in dead letters
  std::vector<std::string> topics;        // all of their partitions are read; dead letters go to "<topic>.dlq"
  // kReadUncommitted is right where each record stands for itself from the moment it is sent: its writer makes it
  // durable first, or reads back what it sent, and then says the same again or takes it back (ADR 26).
  Isolation isolation = Isolation::kReadCommitted;
  std::size_t in_flight_max = 4096;  // commands read and not answered; more are not read
  // Of `topics`: those whose stored positions are forgotten at the start, because they were made anew. They are read
  // from their first record; what was answered before meets its own outcome.
  std::vector<std::string> forget_positions;
  absl::Duration assign_timeout = absl::Seconds(10);
  absl::Duration retry_delay_min = absl::Milliseconds(50);
  absl::Duration retry_delay_max = absl::Seconds(5);
  const Clock* clock = &Clock::System();
  // Called on the partition's threads: quick.
  std::function<void(const AnsweredCommand&)> on_answered;
};

struct CommandConsumerStats {
  std::uint64_t commands = 0;      // read
  std::uint64_t answered = 0;      // with an outcome
  std::uint64_t duplicates = 0;    // of those: had been answered before
  std::uint64_t dead_letters = 0;  // durable on their topic
  std::uint64_t retries = 0;       // waits for a full queue, and dead letters sent again
  std::uint64_t in_flight = 0;
  std::uint64_t dead_letters_waiting = 0;
  std::uint64_t lag_records = 0;  // behind the topics' ends, as far as is known
};

// Executes the commands that come on topics, each once over any crash: how far it got is stored in the batch that holds
// what the commands came to, and a command read again meets its own outcome.
//
//   CommandRouter router;
//   router.Add(payees);
//   DAYBOOK_ASSIGN_OR_RETURN(auto commands, CommandConsumer::Start({.topics = {"demo.payee.commands.v1"}},
//                                                                  bus, *partition, router));
//   …
//   commands->Stop(absl::Seconds(10));                                         // before the partition
//
// Thread safety: every method from any thread. Bus, partition and router outlive it.
// Invariants:
//   1. Commands of one partition of a topic are handed to the aggregates in the order of their offsets. One that does
//      not fit into the queue is waited for; none overtakes it.
//   2. The stored position (InputPosition "<topic>/<partition>") never passes a record that has neither a stored
//      outcome nor a durable dead letter.
//   3. A record that is no command, whose type no aggregate takes, or whose command fails for good (its id used with
//      other content, or expired; user code that threw; a stream that cannot be read) becomes a dead letter
//      (dead_letter.h). The rest goes on. A rejection is an outcome, not a failure.
//   4. At most in_flight_max commands are read ahead of their answers.
//   5. A topic that was made anew, or whose retention overtook the stored position, stops it with the error of
//      bus/consumer.h; so does a poisoned partition. Readiness says so, and nothing is skipped.
class CommandConsumer {
 public:
  // Starts its threads, which wait for the broker. kInvalidArgument: no topics, one twice, or one to forget that is
  // none of them.
  static absl::StatusOr<std::unique_ptr<CommandConsumer>> Start(CommandConsumerOptions options, Bus& bus,
                                                                runtime::Partition& partition,
                                                                const CommandRouter& router);
  // As Stop(zero).
  ~CommandConsumer();

  // Reads nothing more, waits until what was read is answered and its position stored, as far as that gets in `grace`.
  // Every answer has come when it returns, but for dead letters that could not be sent. Idempotent.
  void Stop(absl::Duration grace);

  // OK; kUnavailable: starting, stopping, the broker, dead letters that cannot be sent; kFailedPrecondition: a human
  // must act (invariant 5).
  absl::Status Readiness() const;

  CommandConsumerStats stats() const;

 private:
  struct Impl;
  explicit CommandConsumer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_COMMAND_CONSUMER_H_
