#ifndef DAYBOOK_BUS_MEMBERSHIP_H_
#define DAYBOOK_BUS_MEMBERSHIP_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/record.h"
#include "daybook/core/strong.h"

namespace daybook::bus {

// Counts the times a group's partitions were given out; signed because Kafka's is, -1 = none.
using Generation = StrongNumber<struct GenerationTag, std::int32_t>;

struct MembershipOptions {
  std::string group;
  std::vector<std::string> topics;  // whose partitions are shared out; one topic of one partition = one owner
  // Static membership: a process that comes back under this name within session_timeout goes on without a rebalance.
  // "" = a new member each time, which hands over at once when it leaves.
  std::string instance_id;
  absl::Duration session_timeout = absl::Seconds(6);  // without a heartbeat: the partitions go to another
  absl::Duration heartbeat_interval = absl::Seconds(2);
  absl::Duration poll_interval_max = absl::Seconds(60);  // without a Poll: likewise
};

// Who a member is to its group, for TransactionalProducer::SendOffsets.
struct GroupMetadata {
  std::string group;
  std::string member_id;
  std::string instance_id;
  Generation generation = Generation(-1);
};

struct OwnershipChange {
  enum class Kind {
    kAcquired,  // these partitions are ours
    kRevoked,   // they are going to be another's: finish, and call Poll, which lets go
    kLost,      // they are another's already, perhaps for long: write nothing more (a transaction would be fenced)
  };
  Kind kind = Kind::kAcquired;
  std::vector<TopicPartition> partitions;  // all that this member has, or had
  Generation generation;                   // under which they were acquired
};

// Membership of a group whose members share out partitions: of all members exactly one has a partition at a time, as
// far as a process that was stopped can know. It reads no records (bus/consumer.h does) and it fences nobody: what a
// lost owner still writes is refused by the transactional producer that the new owner initialises.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto membership, bus.Join({.group = "gateway", .topics = {"gateway.owner"}}));
//   while (running) {
//     DAYBOOK_ASSIGN_OR_RETURN(std::optional<OwnershipChange> change, membership->Poll(absl::ZeroDuration()));
//     if (change) …                                   // start or stop
//     if (working) WorkForAWhile();                   // much shorter than poll_interval_max
//   }
//
// Thread safety: one thread drives it; owned() and metadata() from any thread.
// Invariants:
//   1. Changes alternate: kAcquired, then kRevoked or kLost of the same partitions, then kAcquired …
//   2. A later owner has a higher generation.
//   3. All partitions change hands at once (eager assignment).
class Membership {
 public:
  virtual ~Membership() = default;

  // Waits at most `timeout` for a change, and lets go of what the last call said to be kRevoked. kPermissionDenied;
  // kFailedPrecondition with reason MEMBER_FENCED: another process has joined with this instance_id; kNotFound: a topic
  // does not exist. A broker that cannot be reached is no error: nothing changes until the session is over, then kLost.
  virtual absl::StatusOr<std::optional<OwnershipChange>> Poll(absl::Duration timeout) = 0;

  // Leaves the group. A dynamic member's partitions go to another at once, a static one's after its session_timeout.
  // Also what destruction does. Poll then says kCancelled.
  virtual absl::Status Leave(absl::Duration timeout) = 0;

  // What was last acquired and not revoked or lost as far as Poll told.
  virtual std::vector<TopicPartition> owned() const = 0;
  // Of the present generation; generation -1 while nothing is owned.
  virtual GroupMetadata metadata() const = 0;

  // The offsets that the group has committed with SendOffsets; nullopt for a partition without one. kUnavailable.
  virtual absl::StatusOr<std::vector<std::optional<Offset>>> Committed(std::span<const TopicPartition> partitions,
                                                                       absl::Duration timeout) = 0;
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_MEMBERSHIP_H_
