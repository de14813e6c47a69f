#ifndef DAYBOOK_RUNTIME_COMMAND_H_
#define DAYBOOK_RUNTIME_COMMAND_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/core/decision.h"
#include "daybook/core/stream_id.h"
#include "daybook/core/strong.h"
#include "daybook/core/timestamp.h"
#include "daybook/core/uuid.h"
#include "daybook/runtime/input_progress.h"
#include "daybook/store/event_store.h"

namespace daybook::runtime {

// Everything about a command besides what it asks for. Thread safety: a value type.
struct CommandOptions {
  CommandId id;             // nil: a new one is made (then a retry is a second command)
  std::string fingerprint;  // of the content; "" = the runtime hashes the command's bytes and the stream
  store::ExpectedRevision expected = store::ExpectedRevision::Any();
  absl::Time deadline = absl::InfiniteFuture();  // passed before deciding: kDeadlineExceeded, nothing is written
  std::string actor;
  std::string correlation_id;
  std::string causation_id;
  std::string traceparent;
  std::optional<Timestamp> source_time;
  std::string source_change;
  std::optional<CommandInput> input;  // where it was read: that position is stored with what it comes to
};

// What a command came to. The same for every duplicate of its id.
struct CommandOutcome {
  enum class Result { kCommitted, kUnchanged, kRejected };

  Result result = Result::kUnchanged;
  CommandId id;
  StreamId stream;
  Revision revision;  // of the stream after the command
  Position position;  // a read model that has reached it shows the command: of its last event, or, when it
                      // has none, the log's end as the command saw it
  PartitionId partition;
  std::uint32_t event_count = 0;
  std::optional<Reject> rejection;  // set iff kRejected
  bool duplicate = false;           // the id had been seen, and this is the stored outcome
};

// Called exactly once, on the partition's own threads (or, for what is refused at once, on the caller's). It hands work
// on and does not block. OK: what the aggregate decided (a rejection too), durable. An error: nothing was decided,
// except kUnavailable with reason PARTITION_POISONED, whose effect is unknown until the partition is opened again.
//   kAlreadyExists       the id was used with other content (reason COMMAND_ID_REUSED)
//   kInvalidArgument     a bad stream key (BAD_STREAM_KEY), bad options (BAD_COMMAND_OPTIONS); or the id is a version 7
//                        UUID older than the retention and has no stored outcome (COMMAND_ID_EXPIRED)
//   kAborted             the expected revision did not hold (REVISION_MISMATCH)
//   kDeadlineExceeded    the deadline passed while it waited
//   kResourceExhausted   the queue is full (QUEUE_FULL); RetryAfterOf says when to try again
//   kUnavailable         stopping (STOPPING), or poisoned (PARTITION_POISONED)
//   kInternal            user code threw, or made an event that cannot be stored; this command only
//   kDataLoss            the stream cannot be read: damaged, or an event of unknown type (reason UNKNOWN_EVENT_TYPE);
//                        the message names the position
// Every reason is read with ReasonOf (base/reason.h).
using OutcomeHandler = absl::AnyInvocable<void(absl::StatusOr<CommandOutcome>)>;

}  // namespace daybook::runtime

#endif  // DAYBOOK_RUNTIME_COMMAND_H_
