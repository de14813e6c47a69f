#include "daybook/bus/memory/internal/memory_producer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"

namespace daybook::bus::internal {
namespace {

constexpr std::size_t kRecordBytesMax = 1'000'000;  // as Kafka's clients unless they are told otherwise

std::size_t SizeOf(const OutgoingRecord& record) {
  std::size_t size = record.key.value_or("").size() + record.value.value_or("").size();
  for (const Header& header : record.headers) size += header.name.size() + header.value.value_or("").size();
  return size;
}

absl::Status CheckRecord(const OutgoingRecord& record) {
  if (record.topic.empty()) return absl::InvalidArgumentError("a record without a topic");
  const std::size_t size = SizeOf(record);
  if (size <= kRecordBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a record of ", size, " bytes; at most ", kRecordBytesMax, " are sent"));
}

}  // namespace

MemoryProducer::MemoryProducer(MemoryBroker& broker, const ProducerOptions& options)
    : broker_(broker), options_(options), thread_([this] { Run(); }) {}

MemoryProducer::~MemoryProducer() {
  absl::MutexLock lock(&mu_);
  is_closing_ = true;  // the thread answers what is left
}

bool MemoryProducer::HasRoom(std::size_t bytes) const {
  return in_flight_ < options_.in_flight_max &&
         (in_flight_ == 0 || in_flight_bytes_ + bytes <= options_.in_flight_bytes_max);
}

std::size_t MemoryProducer::SendTogether(std::span<ToSend> records, absl::Status& error) {
  error = absl::OkStatus();
  for (std::size_t i = 0; i < records.size(); ++i) {
    error = SendOne(records[i]);
    if (!error.ok()) return i;
  }
  return records.size();
}

absl::Status MemoryProducer::SendOne(ToSend& one) {
  DAYBOOK_RETURN_IF_ERROR(CheckRecord(one.record));
  const std::size_t bytes = SizeOf(one.record);
  absl::MutexLock order(&order_mu_);
  {
    absl::MutexLock lock(&mu_);
    if (!HasRoom(bytes)) {
      return WithReason(absl::ResourceExhaustedError(absl::StrCat(in_flight_, " records are in flight already")),
                        "QUEUE_FULL");
    }
    ++in_flight_;
    in_flight_bytes_ += bytes;
  }
  absl::StatusOr<Delivery> result = broker_.Append(one.record);
  absl::MutexLock lock(&mu_);
  answers_.push_back({std::move(one.done), std::move(result), bytes});
  return absl::OkStatus();
}

void MemoryProducer::Run() {
  const auto has_work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !answers_.empty() || is_closing_; };
  while (true) {
    Answer answer{.done = nullptr, .result = Delivery()};
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(&has_work));
      if (answers_.empty()) return;
      answer = std::move(answers_.front());
      answers_.pop_front();
    }
    if (answer.done) answer.done(std::move(answer.result));
    absl::MutexLock lock(&mu_);
    --in_flight_;
    in_flight_bytes_ -= answer.bytes;
  }
}

absl::Status MemoryProducer::WaitForRoom(std::size_t bytes, absl::Duration timeout) {
  const auto has_room = [this, bytes]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return HasRoom(bytes); };
  absl::MutexLock lock(&mu_);
  if (mu_.AwaitWithTimeout(absl::Condition(&has_room), timeout)) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(in_flight_, " records are still in flight"));
}

absl::Status MemoryProducer::Flush(absl::Duration timeout) {
  const auto is_empty = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return in_flight_ == 0; };
  absl::MutexLock lock(&mu_);
  if (mu_.AwaitWithTimeout(absl::Condition(&is_empty), timeout)) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(in_flight_, " records are still in flight"));
}

std::size_t MemoryProducer::in_flight() const {
  absl::MutexLock lock(&mu_);
  return in_flight_;
}

absl::Status MemoryTransactionalProducer::Init(absl::Duration /*timeout*/) {
  epoch_ = broker_.Init(options_.id, options_.transaction_timeout);
  return absl::OkStatus();
}

absl::Status MemoryTransactionalProducer::Send(const OutgoingRecord& record) {
  DAYBOOK_RETURN_IF_ERROR(CheckRecord(record));
  return broker_.Send(options_.id, epoch_, record);
}

absl::Status MemoryTransactionalProducer::SendOffsets(std::span<const GroupOffset> offsets,
                                                      const GroupMetadata& metadata, absl::Duration /*timeout*/) {
  if (metadata.generation < Generation(0)) {
    return absl::InvalidArgumentError("not a member of group " + metadata.group + " now: its generation is negative");
  }
  return broker_.SendOffsets(options_.id, epoch_, offsets, metadata);
}

absl::Status MemoryTransactionalProducer::Flush(absl::Duration /*timeout*/) {
  return broker_.CheckOpen(options_.id, epoch_);
}

absl::Status MemoryTransactionalProducer::Commit(absl::Duration /*timeout*/) {
  return broker_.End(options_.id, epoch_, PartitionLog::Fate::kCommitted);
}

absl::Status MemoryTransactionalProducer::Abort(absl::Duration /*timeout*/) {
  return broker_.End(options_.id, epoch_, PartitionLog::Fate::kAborted);
}

}  // namespace daybook::bus::internal
