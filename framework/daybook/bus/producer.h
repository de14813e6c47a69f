#ifndef DAYBOOK_BUS_PRODUCER_H_
#define DAYBOOK_BUS_PRODUCER_H_

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/record.h"

namespace daybook::bus {

struct ProducerOptions {
  std::string name;                     // for metrics and logs: "publisher"
  std::vector<std::string> topics;      // made known at start: the first record to an unknown one is a second late
  std::size_t in_flight_max = 100'000;  // records sent and not answered
  std::size_t in_flight_bytes_max = 64 * 1024 * 1024;
  // Then a record is given up. Infinite: never, but for refusals; a full producer then shows that brokers are away. A
  // record that is given up leaves a gap: those behind it in its partition still go.
  absl::Duration delivery_timeout = absl::InfiniteDuration();
  absl::Duration linger;  // how long a batch may wait for more records
};

// Where a record came to lie.
struct Delivery {
  BusPartition partition;
  Offset offset;
};

// Called exactly once for a record that Send took, with its place once the broker has it safe (acks=all), or:
//   kUnavailable       reason DELIVERY_UNKNOWN: it may or may not be in the topic (time-out, or the client failed while
//                      it was on its way): read the tail (ReadTail) before sending it again
//   kCancelled         reason NOT_DELIVERED: surely not in the topic: the producer was closed or failed before it went
//                      out, or a record before it of the same partition came to DELIVERY_UNKNOWN
//   kInvalidArgument   the broker refuses it: too large; no such partition
//   kNotFound          no such topic
//   kPermissionDenied  the broker refuses this client
// Runs on the producer's thread, for the records of one partition in the order of Send: hands on, never blocks, and
// does not call Flush.
using DeliveryHandler = absl::AnyInvocable<void(absl::StatusOr<Delivery>)>;

// Sends records: idempotent, so that a retry inside never doubles one or changes the order of a partition.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto producer, bus.NewProducer({.name = "publisher", .topics = {"events.v1"}}));
//   DAYBOOK_RETURN_IF_ERROR(producer->Send({.topic = "events.v1", .key = key, .value = value}, std::move(done)));
//   DAYBOOK_RETURN_IF_ERROR(producer->Flush(absl::Seconds(10)));
//
// Thread safety: every method from any thread. Records of one thread keep their order within a partition.
// Invariants:
//   1. At most in_flight_max records and in_flight_bytes_max bytes are held.
//   2. When the client behind it fails for good (a fatal error), it makes a new one. Records of which it is known that
//      they did not get out are sent again by the new one, in order. From the first record of a partition whose fate is
//      not known on, that partition's records are answered with DELIVERY_UNKNOWN and NOT_DELIVERED.
//   3. Destruction answers what is still open (NOT_DELIVERED, DELIVERY_UNKNOWN): Flush first.
class Producer {
 public:
  virtual ~Producer() = default;

  // Queues the record; blocks only while the client is being replaced (invariant 2). An error means that nothing
  // happened and `done` is never called: kResourceExhausted with reason QUEUE_FULL, WaitForRoom and send again;
  // kInvalidArgument: empty topic, or larger than the client allows; kUnavailable: the client cannot be replaced now.
  absl::Status Send(const OutgoingRecord& record, DeliveryHandler done) {
    ToSend one{record, std::move(done)};
    absl::Status error;
    SendTogether({&one, 1}, error);
    return error;
  }

  // A record with its handler.
  struct ToSend {
    OutgoingRecord record;
    DeliveryHandler done;
  };
  // As Send for each of them, in order, up to the first that is not taken: `error` says why, else it is OK. Returns how
  // many were taken, whose handlers are moved from. What goes to one partition leaves in one request as far as it fits,
  // where several Sends begin with the first record at once.
  virtual std::size_t SendTogether(std::span<ToSend> records, absl::Status& error) = 0;

  // Waits until Send would take a record of `bytes`. kDeadlineExceeded.
  virtual absl::Status WaitForRoom(std::size_t bytes, absl::Duration timeout) = 0;

  // Waits until nothing is in flight. kDeadlineExceeded with the number left; they stay in flight.
  virtual absl::Status Flush(absl::Duration timeout) = 0;

  // Records sent and not answered.
  virtual std::size_t in_flight() const = 0;

  // OK, or kUnavailable: no broker can be reached, with the reason.
  virtual absl::Status health() const = 0;
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_PRODUCER_H_
