#include "daybook/bus/memory/internal/groups.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"

namespace daybook::bus::internal {

using Kind = OwnershipChange::Kind;
using State = GroupMember::State;

// A static member's seat is its instance; it outlives the process.
std::string Groups::SeatOf(const GroupMember& member) {
  return member.options.instance_id.empty() ? "dynamic " + member.id : "static " + member.options.instance_id;
}

std::shared_ptr<GroupMember> Groups::Join(const MembershipOptions& options, absl::Duration now) {
  Group& group = groups_[options.group];
  auto member = std::make_shared<GroupMember>();
  member->options = options;
  member->id = absl::StrCat("member-", ++last_member_);
  member->last_poll = now;
  std::shared_ptr<GroupMember>& seat = group.members[SeatOf(*member)];
  const std::shared_ptr<GroupMember> before = std::exchange(seat, member);
  if (before == nullptr) {
    StartRebalance(group);
    return member;
  }
  if (!before->away_since.has_value()) {
    const bool has_heard = before->changes.empty() || before->changes.back().kind != Kind::kAcquired;
    const bool is_owner = before->state == State::kMustHear || (before->state == State::kSettled && has_heard);
    before->is_fenced = true;
    before->changes.clear();
    if (is_owner && !before->assigned.empty()) {
      before->changes.push_back({Kind::kLost, before->assigned, before->generation});
    }
  }
  if (before->state == State::kSettled) {  // goes on with what the seat has
    member->state = State::kSettled;
    member->assigned = before->assigned;
    member->generation = before->generation;
    if (!member->assigned.empty()) {
      member->changes.push_back({Kind::kAcquired, member->assigned, member->generation});
    }
  }
  before->state = State::kOut;
  return member;
}

absl::StatusOr<std::optional<OwnershipChange>> Groups::Poll(const std::shared_ptr<GroupMember>& member,
                                                            absl::Duration now) {
  Group& group = groups_[member->options.group];
  Expire(now);
  member->last_poll = now;
  if (member->state == State::kMustLetGo) {
    member->assigned.clear();
    member->state = State::kReady;
  }
  if (group.is_rebalancing) FinishRebalance(group);
  if (!member->changes.empty()) {
    OwnershipChange change = std::move(member->changes.front());
    member->changes.pop_front();
    if (change.kind == Kind::kRevoked) member->state = State::kMustLetGo;
    return change;
  }
  if (member->is_fenced) {
    return WithReason(
        absl::FailedPreconditionError(absl::StrCat("another process has joined group ", member->options.group, " as ",
                                                   member->options.instance_id)),
        "MEMBER_FENCED");
  }
  for (const std::string& topic : member->options.topics) {
    if (topics_.Find(topic) == nullptr) {
      return absl::NotFoundError(absl::StrCat("group ", member->options.group, ": there is no topic ", topic));
    }
  }
  if (member->state == State::kOut) {  // it was put out for hanging, has heard of it, and comes back
    member->state = State::kReady;
    group.members[SeatOf(*member)] = member;
    StartRebalance(group);
  }
  return std::nullopt;
}

void Groups::Leave(const std::shared_ptr<GroupMember>& member, absl::Duration now) {
  if (member->state == State::kOut) return;
  if (!member->options.instance_id.empty()) {
    member->away_since = now;
    member->changes.clear();
    if (member->state != State::kSettled) {
      member->assigned.clear();
      member->state = State::kReady;
    }
    return;
  }
  Group& group = groups_[member->options.group];
  PutOut(group, member);
  member->changes.clear();
  StartRebalance(group);
}

void Groups::PutOut(Group& group, const std::shared_ptr<GroupMember>& member) {
  group.members.erase(SeatOf(*member));
  if (member->state == State::kSettled && !member->changes.empty() && member->changes.back().kind == Kind::kAcquired) {
    member->changes.pop_back();  // it never heard of it
  } else if (member->state == State::kMustHear) {
    member->changes.back().kind = Kind::kLost;
  } else if (member->state == State::kSettled && !member->assigned.empty()) {
    member->changes.push_back({Kind::kLost, member->assigned, member->generation});
  }
  member->assigned.clear();
  member->state = State::kOut;
}

void Groups::Expire(absl::Duration now) {
  for (auto& entry : groups_) {
    Group& group = entry.second;
    std::vector<std::shared_ptr<GroupMember>> gone;
    for (const auto& seat : group.members) {
      const GroupMember& member = *seat.second;
      const bool is_gone = member.away_since.has_value() ? now - *member.away_since > member.options.session_timeout
                                                         : now - member.last_poll > member.options.poll_interval_max;
      if (is_gone) gone.push_back(seat.second);
    }
    for (const auto& member : gone) PutOut(group, member);
    if (!gone.empty()) StartRebalance(group);
  }
}

void Groups::OnTopicChanged(const std::string& topic) {
  for (auto& entry : groups_) {
    const auto& members = entry.second.members;
    if (std::any_of(members.begin(), members.end(), [&](const auto& seat) {
          const std::vector<std::string>& topics = seat.second->options.topics;
          return std::find(topics.begin(), topics.end(), topic) != topics.end();
        })) {
      StartRebalance(entry.second);
    }
  }
}

void Groups::StartRebalance(Group& group) {
  group.is_rebalancing = true;
  for (const auto& seat : group.members) {
    GroupMember& member = *seat.second;
    if (member.state != State::kSettled) continue;
    const bool has_heard = member.changes.empty() || member.changes.back().kind != Kind::kAcquired;
    if (member.away_since.has_value() || member.assigned.empty() || !has_heard) {
      if (!has_heard) member.changes.pop_back();
      member.assigned.clear();
      member.state = State::kReady;
      continue;
    }
    member.changes.push_back({Kind::kRevoked, member.assigned, member.generation});
    member.state = State::kMustHear;
  }
  FinishRebalance(group);
}

void Groups::FinishRebalance(Group& group) {
  for (const auto& seat : group.members) {
    if (seat.second->state != State::kReady) return;
  }
  group.is_rebalancing = false;
  group.generation = group.generation.Next();
  std::map<std::string, std::vector<GroupMember*>> readers;  // of each topic, in the order of their seats
  for (const auto& seat : group.members) {
    for (const std::string& topic : seat.second->options.topics) readers[topic].push_back(seat.second.get());
  }
  for (const auto& [name, members] : readers) {
    const Topic* topic = topics_.Find(name);
    if (topic == nullptr) continue;
    const auto count = static_cast<std::size_t>(topic->spec.partitions);
    std::size_t next = 0;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const std::size_t share = count / members.size() + (i < count % members.size() ? 1 : 0);
      for (std::size_t k = 0; k < share; ++k) {
        members[i]->assigned.push_back({name, BusPartition(static_cast<std::int32_t>(next++))});
      }
    }
  }
  for (const auto& seat : group.members) {
    GroupMember& member = *seat.second;
    member.state = State::kSettled;
    member.generation = group.generation;
    if (member.assigned.empty() || member.away_since.has_value()) continue;
    member.changes.push_back({Kind::kAcquired, member.assigned, member.generation});
  }
}

absl::Status Groups::CheckMember(const GroupMetadata& metadata) const {
  const auto group = groups_.find(metadata.group);
  if (group != groups_.end()) {
    for (const auto& seat : group->second.members) {
      const GroupMember& member = *seat.second;
      if (member.id == metadata.member_id && member.generation == metadata.generation) return absl::OkStatus();
    }
  }
  return absl::AbortedError(absl::StrCat(metadata.member_id, " of generation ", metadata.generation.value(),
                                         " is not a member of group ", metadata.group, " now"));
}

void Groups::Commit(const std::string& group, const TopicPartition& partition, Offset next) {
  groups_[group].committed[partition] = next;
}

std::optional<Offset> Groups::Committed(const std::string& group, const TopicPartition& partition) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return std::nullopt;
  const auto offset = found->second.committed.find(partition);
  return offset == found->second.committed.end() ? std::nullopt : std::optional<Offset>(offset->second);
}

}  // namespace daybook::bus::internal
