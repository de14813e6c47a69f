#ifndef DAYBOOK_STORE_EVENT_STORE_H_
#define DAYBOOK_STORE_EVENT_STORE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/core/stream_id.h"
#include "daybook/core/strong.h"
#include "daybook/core/timestamp.h"
#include "daybook/core/uuid.h"

namespace daybook::store {

// What a stream must look like for an append to go through.
class ExpectedRevision {
 public:
  static ExpectedRevision Any() { return ExpectedRevision(Kind::kAny, Revision()); }
  static ExpectedRevision NoStream() { return ExpectedRevision(Kind::kNoStream, Revision()); }
  static ExpectedRevision Exists() { return ExpectedRevision(Kind::kExists, Revision()); }
  static ExpectedRevision Exactly(Revision revision) { return ExpectedRevision(Kind::kExactly, revision); }

  // True if a stream whose last revision is `head` (0 = none) satisfies it.
  bool Admits(Revision head) const;
  // "any", "no stream", "exists" or "revision 7".
  std::string ToString() const;

 private:
  enum class Kind { kAny, kNoStream, kExists, kExactly };
  ExpectedRevision(Kind kind, Revision revision) : kind_(kind), revision_(revision) {}

  Kind kind_;
  Revision revision_;
};

// Limits of one Append; more is kInvalidArgument.
inline constexpr std::size_t kAppendEventsMax = 65'535;
inline constexpr std::size_t kEventBytesMax = 16 * 1024 * 1024;   // type + envelope + data
inline constexpr std::size_t kBatchBytesMax = 256 * 1024 * 1024;  // of all its events, outcomes, snapshots, payloads

// One event to store. The store does not look into envelope and data.
struct EventData {
  std::string type;      // full message name
  std::string envelope;  // serialised daybook.v1.Envelope
  std::string data;      // serialised message
};

// The events of one command on one stream: they get consecutive revisions and positions, and no reader's batch, and no
// token, ends between them.
struct StreamAppend {
  StreamId stream;
  ExpectedRevision expected = ExpectedRevision::Any();
  std::vector<EventData> events;  // 1 to kAppendEventsMax
};

// What a command came to, by its id.
struct OutcomeRow {
  CommandId command_id;
  Timestamp decided_at;  // retention counts from here
  std::string value;     // serialised daybook.v1.Outcome
};

// An aggregate's folded state. The store keeps the latest of a stream, and checks the checksum on the way out.
struct SnapshotRow {
  StreamId stream;
  Revision revision;              // folded up to and including this one
  Position position;              // of that event
  std::uint64_t fingerprint = 0;  // of the state's schema and the fold's version
  std::string state;
};

// A durable timer row: due at a time, for an owner's key. Same (due, owner, key) = the same row.
struct DeadlineRow {
  Timestamp due;
  std::string owner;  // stream text or process name
  std::string key;    // unique within owner
  std::string payload;
};

// How far an input (a topic partition, a file) has been consumed; opaque to the store.
struct InputPosition {
  std::string source;  // e.g. "bos.public.core_bank/0"
  std::string value;
};

// All that must become durable together, or not at all.
struct Batch {
  // The position that the first event must get; 0 = whatever is next. Another one: kInternal, nothing is written.
  Position first_position;
  // Refused with kFailedPrecondition if the store has seen a newer epoch.
  WriterEpoch epoch;
  std::vector<StreamAppend> appends;  // in order; a later one sees the revisions of the earlier ones
  std::vector<OutcomeRow> outcomes;
  std::vector<SnapshotRow> snapshots;
  std::vector<DeadlineRow> deadlines_set;
  std::vector<DeadlineRow> deadlines_cleared;  // payload ignored
  std::vector<InputPosition> inputs;
};

// Where a batch's events went.
struct Appended {
  Position first;                        // 0 if the batch had no events
  Position last;                         // the log's end after the batch
  std::vector<Revision> last_revisions;  // one per StreamAppend
};

// A stream's end.
struct StreamHead {
  Revision revision;  // 0 = no events
  Position position;  // of that event
};

// An event as read. Views live until the cursor's next call or its end.
struct EventView {
  std::string_view stream;  // StreamId text
  Revision revision;
  Position position;
  std::uint32_t index = 0;  // within its StreamAppend, from 0
  std::uint32_t count = 1;  // events of that StreamAppend
  std::string_view type;
  std::string_view envelope;
  std::string_view data;
};

// Walks over events. Thread safety: one thread at a time; different cursors are independent.
//
//   while (true) {
//     DAYBOOK_ASSIGN_OR_RETURN(bool more, cursor->Next());
//     if (!more) break;
//     Use(cursor->event());
//   }
class EventCursor {
 public:
  virtual ~EventCursor() = default;

  // Moves to the next event. False at the end. kDataLoss, naming the place, if what lies there is damaged: the cursor
  // then stays there.
  virtual absl::StatusOr<bool> Next() = 0;

  // Precondition: the last Next() gave true.
  virtual const EventView& event() const = 0;
};

enum class Direction { kForwards, kBackwards };

// Limits of one Subscription::NextBatch call.
struct BatchLimits {
  std::size_t events_max = 1024;  // a command's events are never divided, so it can be exceeded by one command
  std::size_t bytes_max = 4 * 1024 * 1024;
};

// Follows the log from a position: what is stored already and then what comes, through one call. It holds no queue, so
// a slow reader costs nothing, and it never sees beyond the durable watermark. It may outlive its store.
// Thread safety: one thread at a time; Cancel from any.
class Subscription {
 public:
  virtual ~Subscription() = default;

  // Waits up to `timeout` for events and gives as many as there are, within `limits`, whole commands only, in order and
  // without a gap. Empty: the time-out passed. kCancelled after Cancel or when the store closes. kDataLoss as
  // EventCursor. The views live until the next call.
  virtual absl::StatusOr<std::vector<EventView>> NextBatch(const BatchLimits& limits, absl::Duration timeout) = 0;

  // Makes a waiting and every later NextBatch return kCancelled.
  virtual void Cancel() = 0;
};

// The event store of one partition: the log, its streams, and the rows that must agree with them.
//
//   Batch batch;
//   batch.appends.push_back({StreamId("payee", id), ExpectedRevision::NoStream(), {event}});
//   DAYBOOK_ASSIGN_OR_RETURN(Appended at, store->Append(batch));
//   auto cursor = store->ReadStream(StreamId("payee", id), Revision(1), Direction::kForwards);
//
// Implementations: store/memory (tests), store/rocks (the embedded engine). testing/event_store_contract.h is the suite
// that every implementation passes.
// Thread safety: Append and ClaimEpoch from one thread at a time; everything else from any thread. A store outlives its
// cursors.
// Invariants:
//   1. Positions are dense from 1 in the log, revisions dense from 1 in each stream.
//   2. A batch is stored whole or not at all, across any crash.
//   3. Nothing that is not durable is visible to any read: reads end at the durable watermark.
//   4. After a failed Append whose effect is unknown (a failed sync) the store is poisoned: every later write is
//      kUnavailable with the first error, until it is opened again. Reads of what was durable go on.
//   5. Damaged bytes are kDataLoss naming the place, never served.
class EventStore {
 public:
  virtual ~EventStore() = default;

  // Writes `batch` and returns when it is durable and visible. Errors, nothing written:
  //   kAborted             an expected revision did not hold; the message names stream, expected and actual
  //   kInvalidArgument     an invalid stream id, no events in an append, a snapshot without place, or a limit exceeded
  //   kFailedPrecondition  an older epoch than the store has seen
  //   kInternal            first_position is not the next position
  //   kResourceExhausted   the disk is full; the store is poisoned
  //   kUnavailable         poisoned
  virtual absl::StatusOr<Appended> Append(const Batch& batch) = 0;

  // Stores snapshots off the hot path, without a sync: losing one costs a replay, nothing else. An older one than the
  // stored one, or one beyond the durable watermark, is dropped.
  virtual absl::Status WriteSnapshots(const std::vector<SnapshotRow>& snapshots) = 0;

  // Takes over writing: makes every batch of an older epoch fail from now on. Returns the new epoch.
  virtual absl::StatusOr<WriterEpoch> ClaimEpoch() = 0;

  // A stream's events from `from` (kForwards: up; kBackwards: down, Revision(0) or beyond the end = from the end), to
  // the durable watermark as it is at this call. An unknown or invalid stream has none.
  virtual std::unique_ptr<EventCursor> ReadStream(const StreamId& stream, Revision from, Direction direction) = 0;

  // The log from `from` (0 = 1) to the durable watermark as it is at this call.
  virtual std::unique_ptr<EventCursor> ReadAll(Position from) = 0;

  // Follows the log from `from` (0 = 1).
  virtual std::unique_ptr<Subscription> Subscribe(Position from) = 0;

  // The stream's end; {0, 0} if it has no events.
  virtual absl::StatusOr<StreamHead> Head(const StreamId& stream) = 0;

  // nullopt: unknown, or decided before `not_before` (older than the retention).
  virtual absl::StatusOr<std::optional<OutcomeRow>> FindOutcome(CommandId id, Timestamp not_before) = 0;

  // The snapshot of the highest revision; nullopt if there is none or it is damaged (a replay is always right).
  virtual absl::StatusOr<std::optional<SnapshotRow>> FindSnapshot(const StreamId& stream) = 0;

  // Deadlines due at or before `until`, earliest first, at most `limit`. Ties are in order of owner, then key.
  virtual absl::StatusOr<std::vector<DeadlineRow>> DueDeadlines(Timestamp until, std::size_t limit) = 0;

  virtual absl::StatusOr<std::optional<std::string>> FindInputPosition(std::string_view source) = 0;

  // The last position that is durable, and so visible.
  virtual Position DurableWatermark() const = 0;

  // OK, or why every write is refused.
  virtual absl::Status health() const = 0;
};

}  // namespace daybook::store

#endif  // DAYBOOK_STORE_EVENT_STORE_H_
