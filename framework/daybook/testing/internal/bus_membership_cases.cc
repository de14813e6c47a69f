#include <functional>
#include <set>

#include "daybook/base/clock.h"
#include "daybook/base/reason.h"
#include "daybook/testing/internal/bus_cases.h"

// Who owns which partitions.
namespace daybook::testing::internal {
namespace {

using bus::Generation;
using bus::Membership;
using bus::OwnershipChange;
using bus::TopicPartition;

// Polls all members in turn until `done`; every change is kept beside its member.
class Members {
 public:
  void Add(std::unique_ptr<Membership> member) { members_.push_back({std::move(member), {}}); }
  Membership& operator[](std::size_t i) { return *members_[i].member; }
  void Remove(std::size_t i) { members_[i].member.reset(); }
  std::vector<OwnershipChange>& changes(std::size_t i) { return members_[i].changes; }

  void PollUntil(const std::function<bool()>& done) {
    const absl::Duration deadline = MonotonicNow() + kLong;
    while (!done()) {
      ASSERT_LT(MonotonicNow(), deadline) << "it did not come to that";
      for (std::size_t i = 0; i < members_.size(); ++i) PollOne(i, absl::Milliseconds(20));
    }
  }

  void PollOne(std::size_t i, absl::Duration timeout) {
    if (members_[i].member == nullptr) return;
    absl::StatusOr<std::optional<OwnershipChange>> change = members_[i].member->Poll(timeout);
    ASSERT_TRUE(change.ok()) << change.status();
    if (!change->has_value()) return;
    std::vector<OwnershipChange>& changes = members_[i].changes;
    if ((*change)->kind == OwnershipChange::Kind::kAcquired) {
      EXPECT_TRUE(changes.empty() || changes.back().kind != OwnershipChange::Kind::kAcquired);
    } else {
      ASSERT_FALSE(changes.empty());
      EXPECT_EQ(changes.back().kind, OwnershipChange::Kind::kAcquired);
      EXPECT_EQ(changes.back().partitions, (*change)->partitions);
    }
    changes.push_back(**std::move(change));
  }

 private:
  struct Member {
    std::unique_ptr<Membership> member;
    std::vector<OwnershipChange> changes;
  };
  std::vector<Member> members_;
};

void TheFirstMemberOwnsEverything(BusUnderTest& bus) {
  const std::string topic = bus.Topic(3);
  Members members;
  members.Add(bus.Join(bus.Name("group"), topic));
  EXPECT_TRUE(members[0].owned().empty());
  EXPECT_EQ(members[0].metadata().generation, Generation(-1));
  members.PollUntil([&] { return !members[0].owned().empty(); });
  EXPECT_EQ(members[0].owned(), (std::vector<TopicPartition>{At(topic, 0), At(topic, 1), At(topic, 2)}));
  members.PollUntil([&] { return !members.changes(0).empty(); });
  EXPECT_EQ(members.changes(0)[0].partitions, members[0].owned());
  EXPECT_EQ(members.changes(0)[0].generation, members[0].metadata().generation);
  EXPECT_GE(members[0].metadata().generation, Generation(0));
  EXPECT_FALSE(members[0].metadata().member_id.empty());
}

void TwoMembersShareThePartitions(BusUnderTest& bus) {
  const std::string topic = bus.Topic(4);
  const std::string group = bus.Name("group");
  Members members;
  members.Add(bus.Join(group, topic));
  members.PollUntil([&] { return members[0].owned().size() == 4; });
  const Generation first = members[0].metadata().generation;
  members.Add(bus.Join(group, topic));
  members.PollUntil([&] { return members[0].owned().size() == 2 && members[1].owned().size() == 2; });
  std::set<TopicPartition> all;
  for (std::size_t i = 0; i < 2; ++i) {
    for (const TopicPartition& partition : members[i].owned()) EXPECT_TRUE(all.insert(partition).second);
    EXPECT_GT(members[i].metadata().generation, first);
  }
  EXPECT_EQ(all.size(), 4u);
  ASSERT_GE(members.changes(0).size(), 2u);
  EXPECT_EQ(members.changes(0)[1].kind, OwnershipChange::Kind::kRevoked);
}

void OfTwoMembersOneOwnsTheOnlyPartition(BusUnderTest& bus) {
  const std::string topic = bus.Topic(1);
  const std::string group = bus.Name("group");
  Members members;
  members.Add(bus.Join(group, topic));
  members.Add(bus.Join(group, topic));
  members.PollUntil([&] { return members[0].owned().size() + members[1].owned().size() == 1; });
  for (int i = 0; i < 20; ++i) {
    members.PollOne(0, absl::Milliseconds(10));
    members.PollOne(1, absl::Milliseconds(10));
    EXPECT_LE(members[0].owned().size() + members[1].owned().size(), 1u);
  }
  members.PollUntil([&] { return members[0].owned().size() + members[1].owned().size() == 1; });
  const std::size_t owner = members[0].owned().empty() ? 1 : 0;
  const Generation before = members[owner].metadata().generation;
  ASSERT_OK(members[owner].Leave(kLong));
  EXPECT_TRUE(members[owner].owned().empty());
  EXPECT_EQ(members[owner].Poll(absl::ZeroDuration()).status().code(), absl::StatusCode::kCancelled);
  members.Remove(owner);
  members.PollUntil([&] { return !members[1 - owner].owned().empty(); });
  EXPECT_GT(members[1 - owner].metadata().generation, before);
}

void PartitionsAreGivenOnOnlyWhenTheOwnerPollsAgain(BusUnderTest& bus) {
  const std::string topic = bus.Topic(1);
  const std::string group = bus.Name("group");
  Members members;
  members.Add(bus.Join(group, topic));
  members.PollUntil([&] { return members[0].owned().size() == 1; });
  members.PollUntil([&] { return members.changes(0).size() == 1; });
  members.Add(bus.Join(group, topic));
  const auto is_told = [&] {
    return members.changes(0).size() == 2 && members.changes(0)[1].kind == OwnershipChange::Kind::kRevoked;
  };
  members.PollUntil(is_told);
  for (int i = 0; i < 10; ++i) members.PollOne(1, absl::Milliseconds(30));
  EXPECT_TRUE(members.changes(1).empty());
  members.PollUntil([&] { return members[0].owned().size() + members[1].owned().size() == 1; });
}

void AnOwnerThatWasToldToLetGoMayLeaveInstead(BusUnderTest& bus) {
  const std::string topic = bus.Topic(1);
  const std::string group = bus.Name("group");
  Members members;
  members.Add(bus.Join(group, topic));
  members.PollUntil([&] { return members.changes(0).size() == 1; });
  members.Add(bus.Join(group, topic));
  members.PollUntil([&] { return members.changes(0).size() == 2; });
  EXPECT_EQ(members.changes(0)[1].kind, OwnershipChange::Kind::kRevoked);
  ASSERT_OK(members[0].Leave(kLong));
  members.Remove(0);
  members.PollUntil([&] { return members[1].owned().size() == 1; });
}

void AnOwnerThatHangsLosesItsPartitions(BusUnderTest& bus) {
  const std::string topic = bus.Topic(1);
  const std::string group = bus.Name("group");
  Members members;
  members.Add(bus.Join(group, topic, "", absl::Seconds(2), absl::Seconds(1)));
  members.PollUntil([&] { return members.changes(0).size() == 1; });
  const Generation before = members[0].metadata().generation;
  members.Add(bus.Join(group, topic, "", absl::Seconds(60)));
  const absl::Duration deadline = MonotonicNow() + kLong;
  while (members[1].owned().empty()) {  // the first one does not poll
    ASSERT_LT(MonotonicNow(), deadline);
    members.PollOne(1, absl::Milliseconds(50));
  }
  EXPECT_GT(members[1].metadata().generation, before);
  members.PollUntil([&] { return members.changes(0).size() >= 2; });
  EXPECT_EQ(members.changes(0)[1].kind, OwnershipChange::Kind::kLost);
  EXPECT_TRUE(members[0].owned().empty() || members[1].owned().empty());
}

void AStaticMemberThatComesBackGoesOn(BusUnderTest& bus) {
  const std::string topic = bus.Topic(2);
  const std::string group = bus.Name("group");
  Members members;
  const auto join = [&](const char* instance) {  // with a session that outlasts a closing that librdkafka is slow with
    members.Add(bus.Join(group, topic, instance, absl::Seconds(60), absl::Seconds(30)));
  };
  join("one");
  join("two");
  members.PollUntil([&] { return members[0].owned().size() == 1 && members[1].owned().size() == 1; });
  const std::vector<TopicPartition> owned = members[0].owned();
  const Generation before = members[1].metadata().generation;
  members.Remove(0);
  join("one");
  const std::size_t changes = members.changes(1).size();
  members.PollUntil([&] { return members[2].owned().size() == 1; });
  EXPECT_EQ(members[2].owned(), owned);
  EXPECT_EQ(members[1].metadata().generation, before);
  EXPECT_EQ(members.changes(1).size(), changes);
}

void AStaticMemberThatStaysAwayIsReplaced(BusUnderTest& bus) {
  const std::string topic = bus.Topic(1);
  const std::string group = bus.Name("group");
  Members members;
  members.Add(bus.Join(group, topic, "one", absl::Seconds(60), absl::Seconds(1)));
  members.PollUntil([&] { return members.changes(0).size() == 1; });
  members.Remove(0);
  members.Add(bus.Join(group, topic, "two"));
  members.PollUntil([&] { return members[1].owned().size() == 1; });
}

void AnInstanceThatIsTakenOverIsFenced(BusUnderTest& bus) {
  const std::string topic = bus.Topic(1);
  const std::string group = bus.Name("group");
  auto first = bus.Join(group, topic, "one");
  const absl::Duration deadline = MonotonicNow() + kLong;
  while (first->owned().empty() && MonotonicNow() < deadline) EXPECT_TRUE(first->Poll(absl::Milliseconds(50)).ok());
  auto second = bus.Join(group, topic, "one");
  absl::Status fenced;
  bool is_lost = false;
  while (fenced.ok() && MonotonicNow() < deadline) {
    EXPECT_TRUE(second->Poll(absl::Milliseconds(20)).ok());
    const auto change = first->Poll(absl::Milliseconds(20));
    fenced = change.status();
    if (change.ok() && change->has_value() && (*change)->kind == OwnershipChange::Kind::kLost) is_lost = true;
  }
  EXPECT_EQ(fenced.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(fenced), "MEMBER_FENCED") << fenced;
  EXPECT_TRUE(is_lost);
  EXPECT_TRUE(first->owned().empty());
  while (second->owned().empty() && MonotonicNow() < deadline) EXPECT_TRUE(second->Poll(absl::Milliseconds(50)).ok());
  EXPECT_EQ(second->owned().size(), 1u);
}

void ATopicThatDoesNotExistIsNamed(BusUnderTest& bus) {
  const std::string topic = bus.Name("none");
  auto member = bus.Join(bus.Name("group"), topic);
  absl::Status status;
  const absl::Duration deadline = MonotonicNow() + kLong;
  while (status.ok() && MonotonicNow() < deadline) status = member->Poll(absl::Milliseconds(100)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_NE(status.message().find(topic), std::string::npos) << status;
}

}  // namespace

std::vector<BusCase> BusMembershipCases() {
  return {{"TheFirstMemberOwnsEverything", TheFirstMemberOwnsEverything},
          {"TwoMembersShareThePartitions", TwoMembersShareThePartitions},
          {"OfTwoMembersOneOwnsTheOnlyPartition", OfTwoMembersOneOwnsTheOnlyPartition},
          {"PartitionsAreGivenOnOnlyWhenTheOwnerPollsAgain", PartitionsAreGivenOnOnlyWhenTheOwnerPollsAgain},
          {"AnOwnerThatWasToldToLetGoMayLeaveInstead", AnOwnerThatWasToldToLetGoMayLeaveInstead},
          {"AnOwnerThatHangsLosesItsPartitions", AnOwnerThatHangsLosesItsPartitions},
          {"AStaticMemberThatComesBackGoesOn", AStaticMemberThatComesBackGoesOn},
          {"AStaticMemberThatStaysAwayIsReplaced", AStaticMemberThatStaysAwayIsReplaced},
          {"AnInstanceThatIsTakenOverIsFenced", AnInstanceThatIsTakenOverIsFenced},
          {"ATopicThatDoesNotExistIsNamed", ATopicThatDoesNotExistIsNamed}};
}

}  // namespace daybook::testing::internal
