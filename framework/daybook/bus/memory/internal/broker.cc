#include "daybook/bus/memory/internal/broker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"

namespace daybook::bus::internal {
namespace {

// How late what only time brings about may be noticed.
constexpr absl::Duration kSlice = absl::Milliseconds(20);

absl::Status MustAbort(const std::string& id) {
  return WithReason(absl::AbortedError(absl::StrCat("the transaction of ", id, " has failed: abort it")),
                    "TRANSACTION_ABORT");
}

}  // namespace

void MemoryBroker::Locked(absl::FunctionRef<void(Everything)> step) {
  absl::MutexLock lock(&mu_);
  const absl::Duration now = clock_->Monotonic();
  Pass(now);
  step({topics_, groups_, now});
  changed_.SignalAll();
}

void MemoryBroker::LockedUntil(absl::Duration timeout, absl::FunctionRef<bool(Everything)> step) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  absl::MutexLock lock(&mu_);
  while (true) {
    const absl::Duration now = clock_->Monotonic();
    Pass(now);
    if (step({topics_, groups_, now})) {
      changed_.SignalAll();
      return;
    }
    const absl::Duration left = deadline - MonotonicNow();
    if (left <= absl::ZeroDuration()) return;
    changed_.WaitWithTimeout(&mu_, std::min(left, kSlice));
  }
}

// Aborts the transactions that took too long.
void MemoryBroker::Pass(absl::Duration now) {
  for (auto& entry : writers_) {
    Writer& writer = entry.second;
    if (writer.open == TransactionNumber() || now - writer.began <= writer.timeout) continue;
    EndTransaction(writer, PartitionLog::Fate::kAborted);
    writer.epoch = writer.epoch.Next();
    changed_.SignalAll();
  }
}

absl::StatusOr<Delivery> MemoryBroker::Append(const OutgoingRecord& record) {
  absl::StatusOr<Delivery> delivery;
  Locked([&](Everything all) { delivery = all.topics.Append(record, clock_->Now(), TransactionNumber()); });
  return delivery;
}

ProducerEpoch MemoryBroker::Init(const std::string& id, absl::Duration transaction_timeout) {
  absl::MutexLock lock(&mu_);
  Writer& writer = writers_[id];
  if (writer.open != TransactionNumber()) EndTransaction(writer, PartitionLog::Fate::kAborted);
  writer.epoch = writer.epoch.Next();
  writer.timeout = transaction_timeout;
  changed_.SignalAll();
  return writer.epoch;
}

absl::StatusOr<MemoryBroker::Writer*> MemoryBroker::Find(const std::string& id, ProducerEpoch epoch) {
  Pass(clock_->Monotonic());
  if (epoch == ProducerEpoch()) return absl::FailedPreconditionError(id + " is not initialised");
  Writer& writer = writers_[id];
  if (writer.epoch != epoch) {
    return WithReason(absl::FailedPreconditionError(id + " was taken over, or its transaction took too long"),
                      "PRODUCER_FENCED");
  }
  return &writer;
}

absl::Status MemoryBroker::Begin(const std::string& id, ProducerEpoch epoch) {
  absl::MutexLock lock(&mu_);
  DAYBOOK_ASSIGN_OR_RETURN(Writer * writer, Find(id, epoch));
  if (writer->open != TransactionNumber()) return absl::FailedPreconditionError(id + " has a transaction open");
  last_transaction_ = last_transaction_.Next();
  writer->open = last_transaction_;
  writer->began = clock_->Monotonic();
  writer->must_abort = false;
  return absl::OkStatus();
}

absl::Status MemoryBroker::Send(const std::string& id, ProducerEpoch epoch, const OutgoingRecord& record) {
  absl::MutexLock lock(&mu_);
  DAYBOOK_ASSIGN_OR_RETURN(Writer * writer, Find(id, epoch));
  if (writer->open == TransactionNumber()) return absl::FailedPreconditionError(id + " has no transaction open");
  if (writer->must_abort) return MustAbort(id);
  const absl::StatusOr<Delivery> delivery = topics_.Append(record, clock_->Now(), writer->open);
  if (!delivery.ok()) {
    writer->must_abort = true;
    return MustAbort(absl::StrCat(id, ": ", delivery.status().message()));
  }
  writer->touched.insert({std::string(record.topic), delivery->partition});
  changed_.SignalAll();
  return absl::OkStatus();
}

absl::Status MemoryBroker::SendOffsets(const std::string& id, ProducerEpoch epoch, std::span<const GroupOffset> offsets,
                                       const GroupMetadata& metadata) {
  absl::MutexLock lock(&mu_);
  DAYBOOK_ASSIGN_OR_RETURN(Writer * writer, Find(id, epoch));
  if (writer->open == TransactionNumber()) return absl::FailedPreconditionError(id + " has no transaction open");
  if (writer->must_abort) return MustAbort(id);
  if (const absl::Status member = groups_.CheckMember(metadata); !member.ok()) {
    writer->must_abort = true;
    return WithReason(member, "TRANSACTION_ABORT");
  }
  for (const GroupOffset& offset : offsets) writer->offsets.emplace_back(metadata.group, offset);
  return absl::OkStatus();
}

absl::Status MemoryBroker::CheckOpen(const std::string& id, ProducerEpoch epoch) {
  absl::MutexLock lock(&mu_);
  DAYBOOK_ASSIGN_OR_RETURN(const Writer* writer, Find(id, epoch));
  if (writer->open == TransactionNumber()) return absl::FailedPreconditionError(id + " has no transaction open");
  return writer->must_abort ? MustAbort(id) : absl::OkStatus();
}

absl::Status MemoryBroker::End(const std::string& id, ProducerEpoch epoch, PartitionLog::Fate fate) {
  absl::MutexLock lock(&mu_);
  DAYBOOK_ASSIGN_OR_RETURN(Writer * writer, Find(id, epoch));
  if (writer->open == TransactionNumber()) return absl::FailedPreconditionError(id + " has no transaction open");
  if (fate == PartitionLog::Fate::kCommitted && writer->must_abort) return MustAbort(id);
  EndTransaction(*writer, fate);
  changed_.SignalAll();
  return absl::OkStatus();
}

void MemoryBroker::EndTransaction(Writer& writer, PartitionLog::Fate fate) {
  for (const TopicPartition& partition : writer.touched) {
    PartitionLog* log = topics_.Find(partition);
    if (log != nullptr) log->EndTransaction(writer.open, fate, std::make_shared<StoredRecord>());
  }
  if (fate == PartitionLog::Fate::kCommitted) {
    for (const auto& [group, offset] : writer.offsets) groups_.Commit(group, offset.partition, offset.next);
  }
  writer.open = TransactionNumber();
  writer.touched.clear();
  writer.offsets.clear();
}

}  // namespace daybook::bus::internal
