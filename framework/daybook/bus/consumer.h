#ifndef DAYBOOK_BUS_CONSUMER_H_
#define DAYBOOK_BUS_CONSUMER_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/record.h"

namespace daybook::bus {

enum class Isolation {
  kReadCommitted,    // records of aborted transactions are never seen, those of open ones not yet
  kReadUncommitted,  // everything
};

struct ConsumerOptions {
  std::string name;  // for metrics and logs: "gateway"
  Isolation isolation = Isolation::kReadCommitted;
  absl::Duration metadata_interval = absl::Seconds(5);     // how soon a new topic or partition is found (AssignTopics)
  absl::Duration fetch_wait_max = absl::Milliseconds(50);  // how long the broker may hold a fetch that finds too little
  // What is too little. More than 1 for records that nobody waits for: they come up to fetch_wait_max later, in fewer
  // and larger pieces. A hint: they may come at once.
  std::size_t fetch_bytes_min = 1;
  // Read ahead and not polled yet. librdkafka 2.0.2 fetches nothing for up to a second after it was full: a reader that
  // catches up at full speed wants it to hold a second's worth.
  std::size_t queue_bytes_max = 64 * 1024 * 1024;
};

// What was last read of a partition, kept by the reader beside its data: proves that the topic is still the same one.
struct ReadMark {
  Offset offset;
  Timestamp timestamp;
};

// Where to read a partition from.
struct Start {
  TopicPartition partition;
  Offset next;  // the first offset that is wanted: the last applied one, and one more; 0 = all
  // The last applied record. If retention or compaction have not taken it, it must be there with that time-stamp.
  // nullopt = unchecked.
  std::optional<ReadMark> last;
};

struct PollOptions {
  std::size_t records_max = 1000;
  std::size_t bytes_max = 8 * 1024 * 1024;  // of keys and values; one record may be larger
  absl::Duration timeout = absl::Milliseconds(100);
};

struct OffsetRange {
  Offset begin;  // of the first record that is kept
  Offset end;    // after the last one; with kReadCommitted: after the last one that may be read
};

struct PartitionProgress {
  TopicPartition partition;
  Offset next;                // what Poll gives next, or later
  std::optional<Offset> end;  // as last heard from the broker; nullopt = nothing heard yet
  bool was_at_end = false;    // has been at the end at least once since it was assigned
};

// Reads partitions from offsets that the reader keeps itself, in the batch with whatever it makes of the records.
// Kafka's committed offsets and group assignment are not used (ownership: bus/membership.h).
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto consumer, bus.NewConsumer({.name = "query"}));
//   DAYBOOK_RETURN_IF_ERROR(consumer->AssignTopics({"events.v1"}, starts_from_my_store));
//   while (running) {
//     DAYBOOK_ASSIGN_OR_RETURN(RecordBatch batch, consumer->Poll({}));
//     Apply(batch);                                        // rows and offsets in one write
//   }
//
// Thread safety: one thread drives it; Progress, CaughtUp and health from any thread.
// Invariants:
//   1. Records of a partition are given in the order of their offsets, each once since Assign or Seek.
//   2. An offset is never reset silently: what cannot be gone on from is an error that names partition and offsets.
//      After a time without sight of the broker (a connection lost, no Poll for ten seconds) it looks whether the
//      topics are still those that were read, before it gives what comes next.
//   3. What is read ahead is bounded by queue_bytes_max; a reader that does not poll stops the fetching.
//   4. A broker that cannot be reached is no error of Poll: batches stay empty, health() says why, and it goes on by
//      itself once the broker is back.
class Consumer {
 public:
  virtual ~Consumer() = default;

  // From now on reads all partitions of these topics, and nothing else: those in `starts` from there, all others from
  // their first record. A topic that does not exist yet, or gets more partitions, is found within metadata_interval and
  // read from its first record.
  //   kFailedPrecondition  OFFSET_OUT_OF_RANGE: `next` is before the first kept record or after the end;
  //                        TOPIC_RECREATED: the record at `last` is another one, or none;
  //                        PARTITION_GONE: of `starts` with next > 0, but topic or partition is not there
  //   kUnavailable         the broker did not answer in `timeout`
  // On an error nothing is assigned.
  virtual absl::Status AssignTopics(std::vector<std::string> topics, std::span<const Start> starts,
                                    absl::Duration timeout = absl::Seconds(30)) = 0;

  // Likewise exactly these partitions, which exist.
  virtual absl::Status Assign(std::span<const Start> starts, absl::Duration timeout = absl::Seconds(30)) = 0;

  // Waits until there is a record, or CaughtUp has become true, or options.timeout has passed; the batch is empty then.
  // A timeout of zero takes what is there. Errors as those of AssignTopics, if they come up while reading (retention
  // overtook a slow reader; the topic was deleted and made again): kFailedPrecondition, at every call, until the reader
  // assigns anew; what was read before the error is given first. kPermissionDenied: the broker refuses this client.
  // kDataLoss: a record is damaged (checksum).
  virtual absl::StatusOr<RecordBatch> Poll(const PollOptions& options) = 0;

  // Goes on from another offset of an assigned partition: after an aborted transaction. kNotFound: not assigned.
  virtual absl::Status Seek(const TopicPartition& partition, Offset next) = 0;

  // How many partitions a topic has. kNotFound: no such topic. kUnavailable.
  virtual absl::StatusOr<std::int32_t> PartitionCount(std::string_view topic, absl::Duration timeout) = 0;

  // Begin and end of a partition now, asked from the broker; it need not be assigned. kNotFound, kUnavailable.
  virtual absl::StatusOr<OffsetRange> Offsets(const TopicPartition& partition, absl::Duration timeout) = 0;

  // Of all assigned partitions, by name and number.
  virtual std::vector<PartitionProgress> Progress() const = 0;

  // True once every assigned partition has been read to its end at least once: the catch-up is over. With AssignTopics
  // a topic that does not exist counts as read.
  virtual bool CaughtUp() const = 0;

  // OK, or kUnavailable: no broker can be reached, with the reason.
  virtual absl::Status health() const = 0;
};

class Bus;

// The last `count` records of a partition, or all if there are fewer: for a publisher that goes on where its output
// ends (the sequence in the headers says what is out already). Reads with kReadCommitted. `timeout` is for all of it.
// kNotFound: no such partition. kDeadlineExceeded.
absl::StatusOr<RecordBatch> ReadTail(Bus& bus, const TopicPartition& partition, std::size_t count,
                                     absl::Duration timeout);

// Gives `use` every record that a topic holds now, each partition's in order; ends at its first error, and returns
// that. Reads with kReadUncommitted. `timeout` is for all of it. kNotFound: no such topic. kUnavailable,
// kDeadlineExceeded.
absl::Status ForEachRecord(Bus& bus, const std::string& topic, absl::Duration timeout,
                           absl::FunctionRef<absl::Status(const Record&)> use);

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_CONSUMER_H_
