#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/status.h"
#include "daybook/bus/bus.h"
#include "daybook/bus/consumer.h"

namespace daybook::bus {
namespace {

// All records of [next, the end as it was asked for].
absl::StatusOr<std::vector<RecordBatch>> ReadFrom(Consumer& consumer, const TopicPartition& partition, Offset next,
                                                  absl::Duration deadline) {
  const Start start{.partition = partition, .next = next, .last = std::nullopt};
  DAYBOOK_RETURN_IF_ERROR(consumer.Assign({&start, 1}, deadline - MonotonicNow()));
  std::vector<RecordBatch> batches;
  while (true) {
    DAYBOOK_ASSIGN_OR_RETURN(RecordBatch batch, consumer.Poll({}));
    if (!batch.empty()) batches.push_back(std::move(batch));
    if (consumer.CaughtUp()) return batches;
    if (MonotonicNow() > deadline) {
      return absl::DeadlineExceededError(absl::StrCat("the end of ", partition.ToString(), " was not reached in time"));
    }
  }
}

RecordBatch LastOf(std::vector<RecordBatch> batches, std::size_t count) {
  std::vector<Record> records;
  for (const RecordBatch& batch : batches)
    records.insert(records.end(), batch.records().begin(), batch.records().end());
  if (records.size() > count) records.erase(records.begin(), records.end() - static_cast<std::ptrdiff_t>(count));
  return RecordBatch(std::move(records), std::make_shared<const std::vector<RecordBatch>>(std::move(batches)));
}

}  // namespace

absl::StatusOr<RecordBatch> ReadTail(Bus& bus, const TopicPartition& partition, std::size_t count,
                                     absl::Duration timeout) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<Consumer> consumer,
                           bus.NewConsumer({.name = "tail", .isolation = Isolation::kReadCommitted}));
  // Markers, aborted records and compaction leave gaps: looks further back until there are enough.
  for (std::int64_t span = static_cast<std::int64_t>(count) + 1;; span *= 8) {
    DAYBOOK_ASSIGN_OR_RETURN(const OffsetRange range, consumer->Offsets(partition, deadline - MonotonicNow()));
    const Offset from(std::max(range.begin.value(), range.end.value() - span));
    DAYBOOK_ASSIGN_OR_RETURN(std::vector<RecordBatch> batches, ReadFrom(*consumer, partition, from, deadline));
    std::size_t found = 0;
    for (const RecordBatch& batch : batches) found += batch.size();
    if (found >= count || from == range.begin) return LastOf(std::move(batches), count);
  }
}

absl::Status ForEachRecord(Bus& bus, const std::string& topic, absl::Duration timeout,
                           absl::FunctionRef<absl::Status(const Record&)> use) {
  const absl::Duration deadline = MonotonicNow() + timeout;
  const auto left = [deadline] { return deadline - MonotonicNow(); };
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<Consumer> consumer,
                           bus.NewConsumer({.name = "scan", .isolation = Isolation::kReadUncommitted}));
  DAYBOOK_ASSIGN_OR_RETURN(const std::int32_t count, consumer->PartitionCount(topic, left()));
  std::vector<Start> starts;
  for (std::int32_t number = 0; number < count; ++number) {
    starts.push_back({.partition = {topic, BusPartition(number)}, .next = Offset(), .last = std::nullopt});
  }
  DAYBOOK_RETURN_IF_ERROR(consumer->Assign(starts, left()));
  while (!consumer->CaughtUp()) {
    DAYBOOK_ASSIGN_OR_RETURN(const RecordBatch batch, consumer->Poll({}));
    for (const Record& record : batch.records()) DAYBOOK_RETURN_IF_ERROR(use(record));
    if (left() < absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat(topic, " was not read to its end in time"));
    }
  }
  return absl::OkStatus();
}

}  // namespace daybook::bus
