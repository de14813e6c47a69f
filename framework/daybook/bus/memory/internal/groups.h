#ifndef DAYBOOK_BUS_MEMORY_INTERNAL_GROUPS_H_
#define DAYBOOK_BUS_MEMORY_INTERNAL_GROUPS_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daybook/bus/membership.h"
#include "daybook/bus/memory/internal/topics.h"

namespace daybook::bus::internal {

struct GroupMember {
  enum class State {
    kReady,      // has let go of everything, or never had anything
    kSettled,    // has what it was given
    kMustHear,   // has still to be told that its partitions are revoked
    kMustLetGo,  // has been told; its next Poll lets go
    kOut,        // not in the group: it hung, or was taken over
  };

  MembershipOptions options;
  std::string id;
  State state = State::kReady;
  bool is_fenced = false;
  absl::Duration last_poll;
  std::optional<absl::Duration> away_since;  // a static member that left and may come back
  std::vector<TopicPartition> assigned;
  Generation generation = Generation(-1);  // of what is assigned
  std::deque<OwnershipChange> changes;     // not told yet
};

// The groups of a bus: eager assignment by ranges. Not thread-safe: the broker's mutex guards it.
class Groups {
 public:
  explicit Groups(Topics& topics) : topics_(topics) {}

  std::shared_ptr<GroupMember> Join(const MembershipOptions& options, absl::Duration now);
  // One step of a member's Poll: what it is told now.
  absl::StatusOr<std::optional<OwnershipChange>> Poll(const std::shared_ptr<GroupMember>& member, absl::Duration now);
  void Leave(const std::shared_ptr<GroupMember>& member, absl::Duration now);

  // Removes those that hang or stay away.
  void Expire(absl::Duration now);
  // A topic has other partitions now.
  void OnTopicChanged(const std::string& topic);

  // kAborted: not a member of the group's present generation.
  absl::Status CheckMember(const GroupMetadata& metadata) const;
  void Commit(const std::string& group, const TopicPartition& partition, Offset next);
  std::optional<Offset> Committed(const std::string& group, const TopicPartition& partition) const;

 private:
  struct Group {
    std::map<std::string, std::shared_ptr<GroupMember>> members;  // by instance or id
    Generation generation = Generation(0);
    bool is_rebalancing = false;
    std::map<TopicPartition, Offset> committed;
  };

  static std::string SeatOf(const GroupMember& member);
  void StartRebalance(Group& group);
  void FinishRebalance(Group& group);
  void PutOut(Group& group, const std::shared_ptr<GroupMember>& member);

  Topics& topics_;
  std::map<std::string, Group> groups_;
  std::int64_t last_member_ = 0;
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_MEMORY_INTERNAL_GROUPS_H_
