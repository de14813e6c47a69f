#ifndef DAYBOOK_BUS_INTERNAL_MERGED_LOG_H_
#define DAYBOOK_BUS_INTERNAL_MERGED_LOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/bus/consumer.h"
#include "daybook/bus/event_record.h"
#include "daybook/bus/record.h"
#include "daybook/core/strong.h"
#include "daybook/core/timestamp.h"
#include "daybook/core/uuid.h"
#include "daybook/projection/event_source.h"
#include "daybook/store/event_store.h"

namespace daybook::bus::internal {

// The last event that was taken from one topic.
struct LaneMark {
  TopicPartition partition;
  ReadMark record;    // offset 0 and no event: `position` is 0
  Position position;  // 0 = none yet
};

// What is kept beside a read model: a mark per topic of which something was taken, sorted by topic.
// docs/reference/formats/read-models.md has the bytes.
std::string EncodeMarks(const std::vector<LaneMark>& marks);
// kDataLoss.
absl::StatusOr<std::vector<LaneMark>> DecodeMarks(std::string_view cursor, PartitionId partition);

// Puts one log's events, which lie on several topics, back into their one order (event_record.h has the rules). Knows
// nothing of consumers: records go in as they come, whole commands come out without a gap.
//
// Thread safety: one thread at a time.
// Invariant: what came out is the log from `start` on: dense, each event once.
class MergedLog {
 public:
  // `marks` has one entry for every topic.
  MergedLog(std::vector<LaneMark> marks, Position after, projection::LogTip tip);

  // Keeps the record, and drops a repeat. `memory` holds what the record refers to. kDataLoss, naming the place: with
  // reason EVENTS_MISSING or EVENT_REPLACED; kInvalidArgument with reason NOT_AN_EVENT.
  absl::Status Add(const Record& record, Timestamp received, std::shared_ptr<const void> memory);

  // As many events as follow on what was taken, within `limits`, whole commands only. The views live until the next
  // call. kDataLoss with reason EVENTS_MISSING: every topic goes on behind the next position.
  absl::StatusOr<std::vector<store::EventView>> Take(const store::BatchLimits& limits);

  // Of the last Take.
  std::string CursorAfter(std::size_t count) const;
  projection::Arrival ArrivalOf(std::size_t index) const;

  // The event that Take waits for although later ones are there; 0 = none.
  Position missing() const;
  std::size_t held_bytes() const { return held_bytes_; }
  std::uint64_t repeats() const { return repeats_; }
  Position highest() const { return highest_; }

  // Where to read on. kNeeded: only the topics that can hold what Take waits for.
  enum class Which { kAll, kNeeded };
  std::vector<Start> Starts(Which which) const;

 private:
  struct Held {
    EventRecord event;
    std::string envelope;
    ReadMark place;
    Timestamp received;
    std::size_t lane = 0;
    std::size_t bytes = 0;
    std::shared_ptr<const void> memory;
  };
  struct Lane {
    LaneMark taken;
    LaneMark added;  // the last one in `held`, or `taken`
    std::deque<Held> held;
  };
  // Remembers lately seen ids, so that a repeat can be told from another event at the same position.
  struct Seen {
    Position position;
    Uuid id;
  };

  absl::Status CheckRepeat(const EventRecord& event, const Lane& lane, Offset offset) const;
  absl::Status CheckFollows(const EventRecord& event, const Lane& lane, Offset offset) const;
  // Moves the command that begins at next_ to given_. False: it is not all there.
  absl::StatusOr<bool> TakeCommand();
  absl::Status CheckNotMissing() const;

  const projection::LogTip start_tip_;
  const Position start_;
  Position next_;
  std::vector<Lane> lanes_;
  std::vector<LaneMark> base_;  // the marks before given_
  std::deque<Held> given_;      // by the last Take
  std::vector<Seen> seen_;
  std::size_t held_bytes_ = 0;
  std::uint64_t repeats_ = 0;
  Position highest_;
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_INTERNAL_MERGED_LOG_H_
