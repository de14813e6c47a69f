#include "daybook/bus/internal/answered_offsets.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "daybook/base/strings.h"

namespace daybook::bus::internal {

std::string InputSourceOf(const TopicPartition& partition) { return partition.ToString(); }

std::string EncodeMark(const ReadMark& mark) { return absl::StrCat(mark.offset.value(), " ", mark.timestamp.millis()); }

absl::StatusOr<ReadMark> DecodeMark(std::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(ToAbsl(text), ' ');
  std::int64_t offset = 0;
  std::int64_t millis = 0;
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &offset) || !absl::SimpleAtoi(parts[1], &millis)) {
    return absl::DataLossError(absl::StrCat("a stored input position cannot be read: ", ToAbsl(text)));
  }
  return ReadMark{Offset(offset), Timestamp::FromMillis(millis)};
}

AnsweredOffsets::AnsweredOffsets(TopicPartition partition, std::optional<ReadMark> stored)
    : source_(InputSourceOf(partition)), mark_(stored) {}

void AnsweredOffsets::Took(Offset offset, Timestamp timestamp) {
  absl::MutexLock lock(&mu_);
  taken_.push_back({{offset, timestamp}, false});
}

void AnsweredOffsets::Answered(Offset offset) {
  absl::MutexLock lock(&mu_);
  const auto found = std::lower_bound(taken_.begin(), taken_.end(), offset,
                                      [](const Taken& taken, Offset at) { return taken.mark.offset < at; });
  if (found == taken_.end() || found->mark.offset != offset) return;
  found->answered = true;
  while (!taken_.empty() && taken_.front().answered) {
    mark_ = taken_.front().mark;
    taken_.pop_front();
    moved_ = true;
  }
}

bool AnsweredOffsets::NeedsStoring() const {
  absl::MutexLock lock(&mu_);
  return moved_;
}

store::InputPosition AnsweredOffsets::position() {
  absl::MutexLock lock(&mu_);
  moved_ = false;
  return {source_, mark_.has_value() ? EncodeMark(*mark_) : EncodeMark({Offset(-1), Timestamp()})};
}

}  // namespace daybook::bus::internal
