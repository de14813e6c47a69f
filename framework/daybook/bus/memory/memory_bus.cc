#include "daybook/bus/memory/memory_bus.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/memory/internal/broker.h"
#include "daybook/bus/memory/internal/memory_consumer.h"
#include "daybook/bus/memory/internal/memory_producer.h"

namespace daybook::bus {
namespace {

using internal::GroupMember;
using internal::MemoryBroker;
using Everything = MemoryBroker::Everything;

class MemoryAdmin : public Admin {
 public:
  explicit MemoryAdmin(MemoryBroker& broker) : broker_(broker) {}

  absl::Status CreateTopic(const TopicSpec& spec, absl::Duration) override {
    absl::Status status;
    broker_.Locked([&](Everything all) {
      status = all.topics.Create(spec);
      if (status.ok()) all.groups.OnTopicChanged(spec.topic);
    });
    return status;
  }
  absl::StatusOr<TopicSpec> DescribeTopic(std::string_view topic, absl::Duration) override {
    absl::StatusOr<TopicSpec> spec = absl::NotFoundError(absl::StrCat("there is no topic ", ToAbsl(topic)));
    broker_.Locked([&](Everything all) {
      if (const internal::Topic* found = all.topics.Find(topic)) spec = found->spec;
    });
    return spec;
  }
  absl::StatusOr<std::vector<std::string>> ListTopics(absl::Duration) override {
    std::vector<std::string> names;
    broker_.Locked([&](Everything all) { names = all.topics.Names(); });
    return names;
  }
  absl::Status AddPartitions(std::string_view topic, std::int32_t partitions, absl::Duration) override {
    absl::Status status;
    broker_.Locked([&](Everything all) {
      status = all.topics.AddPartitions(topic, partitions);
      if (status.ok()) all.groups.OnTopicChanged(std::string(topic));
    });
    return status;
  }
  absl::Status DeleteRecords(const TopicPartition& partition, Offset before, absl::Duration) override {
    absl::Status status;
    broker_.Locked([&](Everything all) {
      if (internal::PartitionLog* log = all.topics.Find(partition)) {
        log->DeleteBefore(before);
      } else {
        status = absl::NotFoundError("there is no " + partition.ToString());
      }
    });
    return status;
  }
  absl::Status DeleteTopic(std::string_view topic, absl::Duration) override {
    absl::Status status;
    broker_.Locked([&](Everything all) { status = all.topics.Delete(topic); });
    return status;
  }

 private:
  MemoryBroker& broker_;
};

class MemoryMembership : public Membership {
 public:
  MemoryMembership(MemoryBroker& broker, const MembershipOptions& options) : broker_(broker), options_(options) {
    broker_.Locked([&](Everything all) { member_ = all.groups.Join(options, all.now); });
  }
  ~MemoryMembership() override { DropOut(); }

  absl::StatusOr<std::optional<OwnershipChange>> Poll(absl::Duration timeout) override {
    if (has_left_) return absl::CancelledError("the group was left");
    absl::StatusOr<std::optional<OwnershipChange>> change = std::nullopt;
    broker_.LockedUntil(timeout, [&](Everything all) {
      change = all.groups.Poll(member_, all.now);
      return !change.ok() || change->has_value();
    });
    if (change.ok() && change->has_value()) {
      absl::MutexLock lock(&mu_);
      const bool acquired = (*change)->kind == OwnershipChange::Kind::kAcquired;
      owned_ = acquired ? (*change)->partitions : std::vector<TopicPartition>();
      generation_ = acquired ? (*change)->generation : Generation(-1);
    }
    return change;
  }
  absl::Status Leave(absl::Duration) override {
    DropOut();
    return absl::OkStatus();
  }
  std::vector<TopicPartition> owned() const override {
    absl::MutexLock lock(&mu_);
    return owned_;
  }
  GroupMetadata metadata() const override {
    absl::MutexLock lock(&mu_);
    return {.group = options_.group,
            .member_id = member_->id,
            .instance_id = options_.instance_id,
            .generation = generation_};
  }
  absl::StatusOr<std::vector<std::optional<Offset>>> Committed(std::span<const TopicPartition> partitions,
                                                               absl::Duration) override {
    std::vector<std::optional<Offset>> offsets;
    broker_.Locked([&](Everything all) {
      for (const TopicPartition& partition : partitions) {
        offsets.push_back(all.groups.Committed(options_.group, partition));
      }
    });
    return offsets;
  }

 private:
  void DropOut() {
    if (std::exchange(has_left_, true)) return;
    broker_.Locked([&](Everything all) { all.groups.Leave(member_, all.now); });
    absl::MutexLock lock(&mu_);
    owned_.clear();
    generation_ = Generation(-1);
  }

  MemoryBroker& broker_;
  const MembershipOptions options_;
  std::shared_ptr<GroupMember> member_;  // what it refers to is the broker's, but for its id
  bool has_left_ = false;
  mutable absl::Mutex mu_;
  std::vector<TopicPartition> owned_ ABSL_GUARDED_BY(mu_);
  Generation generation_ ABSL_GUARDED_BY(mu_) = Generation(-1);
};

class MemoryBus : public Bus {
 public:
  explicit MemoryBus(const MemoryBusOptions& options) : broker_(options.clock), admin_(broker_) {}

  absl::StatusOr<std::unique_ptr<Consumer>> NewConsumer(const ConsumerOptions& options) override {
    return std::make_unique<internal::MemoryConsumer>(broker_, options);
  }
  absl::StatusOr<std::unique_ptr<Producer>> NewProducer(const ProducerOptions& options) override {
    return std::make_unique<internal::MemoryProducer>(broker_, options);
  }
  absl::StatusOr<std::unique_ptr<TransactionalProducer>> NewTransactionalProducer(
      const TransactionalProducerOptions& options) override {
    if (options.id.empty()) return absl::InvalidArgumentError("TransactionalProducerOptions::id is empty");
    return std::make_unique<internal::MemoryTransactionalProducer>(broker_, options);
  }
  absl::StatusOr<std::unique_ptr<Membership>> Join(const MembershipOptions& options) override {
    if (options.group.empty()) return absl::InvalidArgumentError("MembershipOptions::group is empty");
    if (options.topics.empty()) return absl::InvalidArgumentError("MembershipOptions::topics is empty");
    return std::make_unique<MemoryMembership>(broker_, options);
  }
  Admin& admin() override { return admin_; }

 private:
  MemoryBroker broker_;
  MemoryAdmin admin_;
};

}  // namespace

std::unique_ptr<Bus> NewMemoryBus(const MemoryBusOptions& options) { return std::make_unique<MemoryBus>(options); }

}  // namespace daybook::bus
