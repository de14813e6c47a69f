#ifndef DAYBOOK_CDC_COMMAND_SINK_H_
#define DAYBOOK_CDC_COMMAND_SINK_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daybook/core/stream_id.h"
#include "daybook/core/timestamp.h"
#include "daybook/core/uuid.h"

namespace daybook::cdc {

// A command that the gateway made of captured rows, as it lies in the outbox.
struct Command {
  std::uint64_t sequence = 0;  // place in the outbox: from 1, in the order of emission
  CommandId id;                // the same however often it is published
  StreamId stream;
  std::string type;       // full protobuf name of the message
  std::string payload;    // the message, serialised
  Timestamp source_time;  // commit time at the source of the newest change in it; 0 = unknown
  // What the source says the change was (GatewayOptions::describe); of several, the newest. "" = it does not say.
  std::string source_change;
  // For gateways that share their work (Gateway::Observe): whom it is about, as bytes that mean something to a gateway
  // of the same catalog only, and how many commands that aggregate has had, this one included.
  std::string aggregate;
  std::uint64_t emission = 0;
};

// A record that was not understood, on its way to where such records are kept.
struct DeadLetter {
  struct Header {
    std::string name;
    std::string value;
  };

  Uuid id;            // of the record's place: the same for every gateway that reads the topic
  std::string topic;  // where it was read
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  Timestamp timestamp;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<Header> headers;
  absl::Status why;
  Timestamp at;  // when it was set aside
};

// Where commands go: the application joins it to a command executor or to a bus.
//
//   absl::Status ExecutorSink::Publish(const Command& command, Done done) {
//     return executor_.Execute(ToRequest(command), [done](const Outcome&) { done(absl::OkStatus()); });
//   }
//
// Thread safety: Publish is called by one thread at a time, the gateway's; `done` may be called from any thread, also
// before Publish returns.
// Invariants that an implementation keeps:
//   1. OK from Publish promises that `done` is called exactly once; an error promises that it never is.
//   2. `done(OK)` only once the command can no longer be lost. A rejection by the aggregate is an answer too: OK.
//   3. With Recall::kReadBack everything it has ever passed on, in its order, is given to Gateway::Observe before a
//      gateway over the same store publishes again, at the latest.
// What it may rely on: commands of one stream come one after the other, the next only after the last one's `done`.
class CommandSink {
 public:
  using Done = std::function<void(absl::Status)>;
  // How a gateway that lost its last writes with its machine comes to know of commands that were passed on.
  enum class Recall {
    kNone,      // not at all: so the gateway makes each durable before it hands it over
    kReadBack,  // invariant 3: what is passed on is the record of it, and nothing waits for a disk
  };

  virtual ~CommandSink() = default;

  virtual Recall recall() const { return Recall::kNone; }

  // Takes the command, without blocking. kResourceExhausted or kUnavailable: not now, it is offered again later.
  // `done` with kUnavailable, kResourceExhausted, kDeadlineExceeded, kAborted or kCancelled: offered again too, with
  // the same id; with any other error: set aside as a dead letter.
  virtual absl::Status Publish(const Command& command, Done done) = 0;

  // Likewise for what GatewayOptions::DeadLetters::kSink hands over. Without an implementation: kUnimplemented.
  virtual absl::Status PublishDeadLetter(const DeadLetter& letter, Done done);
};

}  // namespace daybook::cdc

#endif  // DAYBOOK_CDC_COMMAND_SINK_H_
