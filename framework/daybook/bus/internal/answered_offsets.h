#ifndef DAYBOOK_BUS_INTERNAL_ANSWERED_OFFSETS_H_
#define DAYBOOK_BUS_INTERNAL_ANSWERED_OFFSETS_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "daybook/bus/consumer.h"
#include "daybook/runtime/input_progress.h"

namespace daybook::bus::internal {

// The name under which the position of a topic's partition is stored, and its text: "<offset> <time-stamp, ms>" of the
// last record before which, and with which, all are answered.
std::string InputSourceOf(const TopicPartition& partition);
std::string EncodeMark(const ReadMark& mark);
absl::StatusOr<ReadMark> DecodeMark(std::string_view text);  // kDataLoss

// Which records of one partition are answered: the low watermark of those that were read.
//
// Thread safety: every method from any thread.
class AnsweredOffsets final : public runtime::InputProgress {
 public:
  // `stored`: the mark that the store has.
  AnsweredOffsets(TopicPartition partition, std::optional<ReadMark> stored);

  // Read, in rising order.
  void Took(Offset offset, Timestamp timestamp);
  // Answered: an outcome that is stored, or a durable dead letter.
  void Answered(Offset offset);
  // True if the mark has moved since it was last written down.
  bool NeedsStoring() const;

  void Decided(std::uint64_t number) override { Answered(Offset(static_cast<std::int64_t>(number))); }
  store::InputPosition position() override;

 private:
  struct Taken {
    ReadMark mark;
    bool answered = false;
  };

  const std::string source_;
  mutable absl::Mutex mu_;
  std::deque<Taken> taken_ ABSL_GUARDED_BY(mu_);  // behind the mark, by offset
  std::optional<ReadMark> mark_ ABSL_GUARDED_BY(mu_);
  bool moved_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_INTERNAL_ANSWERED_OFFSETS_H_
