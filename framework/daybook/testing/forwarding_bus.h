#ifndef DAYBOOK_TESTING_FORWARDING_BUS_H_
#define DAYBOOK_TESTING_FORWARDING_BUS_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/bus.h"

namespace daybook::testing {

// A consumer that hands every call on: the base of one that fails where a test wants it.
//
//   class Deaf final : public ForwardingConsumer {
//    public:
//     using ForwardingConsumer::ForwardingConsumer;
//     absl::StatusOr<bus::RecordBatch> Poll(const bus::PollOptions&) override { return absl::DataLossError("torn"); }
//   };
//
// Thread safety: as the consumer behind it, which it owns.
class ForwardingConsumer : public bus::Consumer {
 public:
  explicit ForwardingConsumer(std::unique_ptr<bus::Consumer> inner) : inner_(std::move(inner)) {}

  absl::Status AssignTopics(std::vector<std::string> topics, std::span<const bus::Start> starts,
                            absl::Duration timeout) override {
    return inner_->AssignTopics(std::move(topics), starts, timeout);
  }
  absl::Status Assign(std::span<const bus::Start> starts, absl::Duration timeout) override {
    return inner_->Assign(starts, timeout);
  }
  absl::StatusOr<bus::RecordBatch> Poll(const bus::PollOptions& options) override { return inner_->Poll(options); }
  absl::Status Seek(const bus::TopicPartition& partition, bus::Offset next) override {
    return inner_->Seek(partition, next);
  }
  absl::StatusOr<std::int32_t> PartitionCount(std::string_view topic, absl::Duration timeout) override {
    return inner_->PartitionCount(topic, timeout);
  }
  absl::StatusOr<bus::OffsetRange> Offsets(const bus::TopicPartition& partition, absl::Duration timeout) override {
    return inner_->Offsets(partition, timeout);
  }
  std::vector<bus::PartitionProgress> Progress() const override { return inner_->Progress(); }
  bool CaughtUp() const override { return inner_->CaughtUp(); }
  absl::Status health() const override { return inner_->health(); }

 private:
  const std::unique_ptr<bus::Consumer> inner_;
};

// Likewise a transactional producer.
class ForwardingTransactionalProducer : public bus::TransactionalProducer {
 public:
  explicit ForwardingTransactionalProducer(std::unique_ptr<bus::TransactionalProducer> inner)
      : inner_(std::move(inner)) {}

  absl::Status Init(absl::Duration timeout) override { return inner_->Init(timeout); }
  absl::Status Begin() override { return inner_->Begin(); }
  absl::Status Send(const bus::OutgoingRecord& record) override { return inner_->Send(record); }
  absl::Status SendOffsets(std::span<const bus::GroupOffset> offsets, const bus::GroupMetadata& metadata,
                           absl::Duration timeout) override {
    return inner_->SendOffsets(offsets, metadata, timeout);
  }
  absl::Status Flush(absl::Duration timeout) override { return inner_->Flush(timeout); }
  absl::Status Commit(absl::Duration timeout) override { return inner_->Commit(timeout); }
  absl::Status Abort(absl::Duration timeout) override { return inner_->Abort(timeout); }
  absl::Status health() const override { return inner_->health(); }

 private:
  const std::unique_ptr<bus::TransactionalProducer> inner_;
};

// A bus that hands every call on: the base of one whose parts fail, or are counted.
// Thread safety: as the bus behind it, which outlives it.
class ForwardingBus : public bus::Bus {
 public:
  explicit ForwardingBus(bus::Bus& inner) : inner_(inner) {}

  absl::StatusOr<std::unique_ptr<bus::Consumer>> NewConsumer(const bus::ConsumerOptions& options) override {
    return inner_.NewConsumer(options);
  }
  absl::StatusOr<std::unique_ptr<bus::Producer>> NewProducer(const bus::ProducerOptions& options) override {
    return inner_.NewProducer(options);
  }
  absl::StatusOr<std::unique_ptr<bus::TransactionalProducer>> NewTransactionalProducer(
      const bus::TransactionalProducerOptions& options) override {
    return inner_.NewTransactionalProducer(options);
  }
  absl::StatusOr<std::unique_ptr<bus::Membership>> Join(const bus::MembershipOptions& options) override {
    return inner_.Join(options);
  }
  bus::Admin& admin() override { return inner_.admin(); }

 private:
  bus::Bus& inner_;
};

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_FORWARDING_BUS_H_
