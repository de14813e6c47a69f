#ifndef DAYBOOK_BUS_TRANSACTION_H_
#define DAYBOOK_BUS_TRANSACTION_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daybook/bus/membership.h"
#include "daybook/bus/record.h"

namespace daybook::bus {

struct TransactionalProducerOptions {
  std::string id;                   // transactional id: whoever initialises it last is the only one that may write
  std::vector<std::string> topics;  // as in ProducerOptions
  absl::Duration transaction_timeout = absl::Seconds(60);  // then the broker aborts an open transaction
  std::size_t in_flight_max = 100'000;
  std::size_t in_flight_bytes_max = 64 * 1024 * 1024;
};

// What to do about an error of a TransactionalProducer.
enum class TransactionFailure {
  kRetry,   // kUnavailable, reason TRANSACTION_RETRY: the same call again
  kAbort,   // kAborted, TRANSACTION_ABORT: Abort, seek the inputs back, begin again
  kFenced,  // kFailedPrecondition, PRODUCER_FENCED: another one has the id. Check that the partitions are still ours
            // before Init: two that do not check fence each other for ever
  kFatal,   // kInternal, PRODUCER_FATAL: Init makes a new client; check as for kFenced, for a broker can answer so too
            // with no rival about. What came of a Commit is not known: read the tail of what it wrote
  kOther,   // no error of a transaction: a wrong call, a refused topic
};
TransactionFailure FailureOf(const absl::Status& status);

// A group's next offset of a partition, to commit with the transaction.
struct GroupOffset {
  TopicPartition partition;
  Offset next;
};

// Writes records to several partitions, all or none, and only as long as no other one has initialised the same id.
//
//   DAYBOOK_RETURN_IF_ERROR(producer->Init(absl::Seconds(30)));      // fences the one before
//   DAYBOOK_RETURN_IF_ERROR(producer->Begin());
//   DAYBOOK_RETURN_IF_ERROR(producer->Send({.topic = "commands", .key = key, .value = value}));
//   DAYBOOK_RETURN_IF_ERROR(producer->Commit(absl::Seconds(30)));    // kRetry: again; kAbort: Abort
//
// Thread safety: one thread at a time.
// Invariants:
//   1. A reader with kReadCommitted sees all records of a committed transaction, each once, and none of an aborted one.
//   2. After another's Init every Send, SendOffsets and Commit of this one fails with kFenced at Commit at the latest,
//      and none of its records is ever read as committed. (Kafka answers a fenced Send when the record reaches the
//      broker: the error then shows at the next call.) If its records met the broker just as the other's Init ended
//      its transaction, all the broker says is that there is none: they fail with kAbort, and its Abort with kFenced.
//   3. Transactions of one id are serial: about 140 a second on one broker. Put many records into one.
//   4. A reader with kReadUncommitted sees a record once it is sent; after another's Init none of this one's that it
//      has not seen yet. So one long transaction and readers of that kind make a fence without the 4 ms that a commit
//      takes to reach the others (Flush).
class TransactionalProducer {
 public:
  virtual ~TransactionalProducer() = default;

  // Takes the id over, after which the one before is fenced and its open transaction aborted. Again after kFenced or
  // kFatal. kUnavailable with kRetry.
  virtual absl::Status Init(absl::Duration timeout) = 0;

  virtual absl::Status Begin() = 0;

  // Queues the record. kResourceExhausted with reason QUEUE_FULL: nothing happened; Commit or wait.
  virtual absl::Status Send(const OutgoingRecord& record) = 0;

  // Makes the group's offsets part of the transaction. A member of an older generation is refused (kAbort): check
  // ownership. kInvalidArgument: metadata.generation is negative, which the broker would accept from anybody.
  virtual absl::Status SendOffsets(std::span<const GroupOffset> offsets, const GroupMetadata& metadata,
                                   absl::Duration timeout) = 0;

  // Waits until everything sent is in its topics, where readers with kReadUncommitted see it; the transaction stays
  // open. Errors as Commit. After one, what is there is known when the next Init has returned and they are read.
  virtual absl::Status Flush(absl::Duration timeout) = 0;

  // Ends the transaction. OK: all of it is there, for good; a reader of committed records may come to its end a moment
  // later, as the broker marks the partitions when it has answered. kRetry: unknown yet, call it again.
  virtual absl::Status Commit(absl::Duration timeout) = 0;
  virtual absl::Status Abort(absl::Duration timeout) = 0;

  virtual absl::Status health() const = 0;
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_TRANSACTION_H_
