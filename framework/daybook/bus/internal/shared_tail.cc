#include "daybook/bus/internal/shared_tail.h"

#include <utility>

namespace daybook::bus::internal {
namespace {

constexpr std::size_t kRecordOverheadBytes = 512;  // headers, views, what the client keeps of a record

std::size_t BytesOf(const RecordBatch& batch) {
  std::size_t bytes = 0;
  for (const Record& record : batch.records()) {
    bytes += kRecordOverheadBytes + record.key.value_or("").size() + record.value.value_or("").size();
  }
  return bytes;
}

}  // namespace

std::optional<std::uint64_t> SharedTail::Join(const NextOffsets& next) const {
  absl::MutexLock lock(&mu_);
  if (!failed_.ok()) return std::nullopt;
  for (const auto& [topic, begin] : begin_) {
    const auto reader = next.find(topic);
    if (reader == next.end() || reader->second < begin) return std::nullopt;
  }
  return first_;
}

absl::StatusOr<std::optional<SharedTail::Block>> SharedTail::Read(std::uint64_t number, const PollOptions& poll) {
  {
    const auto goes_on = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return number < end() || !reading_; };
    absl::MutexLock lock(&mu_);
    if (!mu_.AwaitWithTimeout(absl::Condition(&goes_on), poll.timeout)) return std::nullopt;
    if (number < first_) return absl::OutOfRangeError("others are so far ahead that this is no longer kept");
    if (number < end()) return blocks_[number - first_];
    if (!failed_.ok()) return failed_;
    reading_ = true;
  }
  absl::StatusOr<RecordBatch> polled = consumer_->Poll(poll);
  absl::MutexLock lock(&mu_);
  reading_ = false;
  if (!polled.ok()) return failed_ = polled.status();
  if (polled->empty()) return std::nullopt;
  Keep(*std::move(polled));
  return blocks_.back();
}

void SharedTail::Keep(RecordBatch records) {
  bytes_ += BytesOf(records);
  blocks_.push_back({std::make_shared<const RecordBatch>(std::move(records)), clock_.Now()});
  while (bytes_ > bytes_max_ && blocks_.size() > 1) DropOldest();
}

void SharedTail::DropOldest() {
  const RecordBatch& oldest = *blocks_.front().records;
  for (const Record& record : oldest.records()) begin_.find(record.topic)->second = record.offset.Next();
  bytes_ -= BytesOf(oldest);
  blocks_.pop_front();
  ++first_;
}

}  // namespace daybook::bus::internal
