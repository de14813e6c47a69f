#include "daybook/bus/internal/merged_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace daybook::bus::internal {
namespace {

constexpr std::size_t kSeenMax = 4096;
constexpr std::size_t kHeldOverheadBytes = 512;  // ids, place, envelope

absl::Status Missing(const std::string& what) {
  return WithReason(
      absl::DataLossError(absl::StrCat(what,
                                       ": events are missing from the topics. A read model cannot be made of "
                                       "them; have the events published again to new topics")),
      "EVENTS_MISSING");
}

absl::Status Replaced(const std::string& where, Position position) {
  return WithReason(absl::DataLossError(absl::StrCat(
                        where, " is another event at position ", position.value(),
                        " than the one read before: the log behind the topics was put back or replaced. Delete the "
                        "read models to build them from what the topics hold now")),
                    "EVENT_REPLACED");
}

std::string At(const TopicPartition& partition, Offset offset) {
  return absl::StrCat(partition.ToString(), "@", offset.value());
}

}  // namespace

std::string EncodeMarks(const std::vector<LaneMark>& marks) {
  std::vector<const LaneMark*> taken;
  for (const LaneMark& mark : marks) {
    if (mark.position != Position()) taken.push_back(&mark);
  }
  std::sort(taken.begin(), taken.end(), [](const auto* a, const auto* b) { return a->partition < b->partition; });
  std::string out;
  AppendVarint(out, taken.size());
  for (const LaneMark* mark : taken) {
    AppendLengthPrefixed(out, mark->partition.topic);
    AppendVarint(out, static_cast<std::uint64_t>(mark->record.offset.value()));
    AppendBigEndian64(out, static_cast<std::uint64_t>(mark->record.timestamp.micros()));
    AppendVarint(out, mark->position.value());
  }
  return out;
}

absl::StatusOr<std::vector<LaneMark>> DecodeMarks(std::string_view cursor, PartitionId partition) {
  const absl::Status damaged = absl::DataLossError("the checkpoint's cursor is damaged");
  std::uint64_t count = 0;
  if (!ConsumeVarint(cursor, count)) return damaged;
  std::vector<LaneMark> out;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view topic;
    std::uint64_t offset = 0;
    std::uint64_t position = 0;
    if (!ConsumeLengthPrefixed(cursor, topic) || !ConsumeVarint(cursor, offset) || cursor.size() < 8) return damaged;
    const std::uint64_t timestamp = ReadBigEndian64(cursor.data());
    cursor.remove_prefix(8);
    if (!ConsumeVarint(cursor, position) || position == 0) return damaged;
    LaneMark& mark = out.emplace_back();
    mark.partition = {std::string(topic), BusPartition(static_cast<std::int32_t>(partition.value()))};
    mark.record = {Offset(static_cast<std::int64_t>(offset)),
                   Timestamp::FromMicros(static_cast<std::int64_t>(timestamp))};
    mark.position = Position(position);
  }
  if (!cursor.empty()) return damaged;
  return out;
}

MergedLog::MergedLog(std::vector<LaneMark> marks, Position after, projection::LogTip tip)
    : start_tip_(tip), start_(after), next_(after.Next()), base_(std::move(marks)), seen_(kSeenMax), highest_(after) {
  for (const LaneMark& mark : base_) lanes_.push_back({mark, mark, {}});
}

absl::Status MergedLog::CheckRepeat(const EventRecord& event, const Lane& lane, Offset offset) const {
  const Seen& seen = seen_[event.position.value() % kSeenMax];
  bool other = seen.position == event.position && seen.id != event.metadata.event_id;
  if (event.position == start_) {
    std::string envelope;
    other = other || projection::TipOf(ViewOf(event, envelope)) != start_tip_;
  }
  return other ? Replaced(At(lane.taken.partition, offset), event.position) : absl::OkStatus();
}

absl::Status MergedLog::CheckFollows(const EventRecord& event, const Lane& lane, Offset offset) const {
  if (event.previous == lane.added.position) return absl::OkStatus();
  const std::string at = absl::StrCat(At(lane.taken.partition, offset), ", position ", event.position.value());
  if (event.previous > lane.added.position) {
    return Missing(absl::StrCat(at, " follows on position ", event.previous.value(), ", which is not there; the last ",
                                "one before it is ", lane.added.position.value()));
  }
  return Replaced(absl::StrCat(at, " follows on position ", event.previous.value(), " and"), lane.added.position);
}

absl::Status MergedLog::Add(const Record& record, Timestamp received, std::shared_ptr<const void> memory) {
  const auto is_its = [&](const Lane& lane) {
    return lane.taken.partition.topic == record.topic && lane.taken.partition.partition == record.partition;
  };
  const auto lane = std::find_if(lanes_.begin(), lanes_.end(), is_its);
  if (lane == lanes_.end()) return absl::InternalError("a record of a topic that was not asked for");
  absl::StatusOr<EventRecord> event = DecodeEvent(record);
  if (!event.ok()) return event.status();
  if (event->position <= lane->added.position) {
    ++repeats_;
    return CheckRepeat(*event, *lane, record.offset);
  }
  DAYBOOK_RETURN_IF_ERROR(CheckFollows(*event, *lane, record.offset));

  Held held;
  held.event = *std::move(event);
  held.place = {record.offset, record.timestamp};
  held.received = received;
  held.lane = static_cast<std::size_t>(lane - lanes_.begin());
  held.bytes = kHeldOverheadBytes + held.event.data.size();
  held.memory = std::move(memory);
  held_bytes_ += held.bytes;
  seen_[held.event.position.value() % kSeenMax] = {held.event.position, held.event.metadata.event_id};
  highest_ = std::max(highest_, held.event.position);
  lane->added.record = held.place;
  lane->added.position = held.event.position;
  lane->held.push_back(std::move(held));
  return absl::OkStatus();
}

absl::StatusOr<bool> MergedLog::TakeCommand() {
  for (Lane& lane : lanes_) {
    if (lane.held.empty() || lane.held.front().event.position != next_) continue;
    const std::uint32_t count = lane.held.front().event.metadata.event_count;
    for (std::uint32_t i = 0; i < count && i < lane.held.size(); ++i) {
      const Held& held = lane.held[i];
      const EventMetadata& metadata = held.event.metadata;
      if (metadata.event_index == i && metadata.event_count == count &&
          held.event.position == next_.Plus(static_cast<std::uint64_t>(i))) {
        continue;
      }
      return Missing(absl::StrCat(At(lane.taken.partition, held.place.offset), ", position ",
                                  held.event.position.value(), ", is not event ", i + 1, " of the ", count,
                                  " of the command at position ", next_.value()));
    }
    if (lane.held.size() < count) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
      held_bytes_ -= lane.held.front().bytes;
      given_.push_back(std::move(lane.held.front()));
      lane.held.pop_front();
    }
    next_ = next_.Plus(count);
    lane.taken.record = given_.back().place;
    lane.taken.position = given_.back().event.position;
    return true;
  }
  return false;
}

absl::Status MergedLog::CheckNotMissing() const {
  Position first;
  for (const Lane& lane : lanes_) {
    // A command that is not all there yet begins at next_.
    if (lane.held.empty() || lane.held.front().event.position == next_) return absl::OkStatus();
    if (first == Position() || lane.held.front().event.position < first) first = lane.held.front().event.position;
  }
  return Missing(
      absl::StrCat("position ", next_.value(), " is on none of the topics, which go on at position ", first.value()));
}

absl::StatusOr<std::vector<store::EventView>> MergedLog::Take(const store::BatchLimits& limits) {
  for (const Held& held : given_) {
    base_[held.lane].record = held.place;
    base_[held.lane].position = held.event.position;
  }
  given_.clear();
  std::size_t bytes = 0;
  while (given_.size() < limits.events_max && bytes < limits.bytes_max) {
    const std::size_t before = given_.size();
    DAYBOOK_ASSIGN_OR_RETURN(const bool taken, TakeCommand());
    if (!taken) break;
    for (std::size_t i = before; i < given_.size(); ++i) bytes += given_[i].bytes;
  }
  if (given_.empty()) DAYBOOK_RETURN_IF_ERROR(CheckNotMissing());
  std::vector<store::EventView> out;
  out.reserve(given_.size());
  for (Held& held : given_) out.push_back(ViewOf(held.event, held.envelope));
  return out;
}

std::string MergedLog::CursorAfter(std::size_t count) const {
  std::vector<LaneMark> marks = base_;
  for (std::size_t i = 0; i < count && i < given_.size(); ++i) {
    marks[given_[i].lane].record = given_[i].place;
    marks[given_[i].lane].position = given_[i].event.position;
  }
  return EncodeMarks(marks);
}

projection::Arrival MergedLog::ArrivalOf(std::size_t index) const {
  if (index >= given_.size()) return {};
  return {given_[index].place.timestamp, given_[index].received};
}

Position MergedLog::missing() const {
  bool later = false;
  for (const Lane& lane : lanes_) {
    if (lane.held.empty()) continue;
    if (lane.held.front().event.position == next_) return Position();
    later = true;
  }
  return later ? next_ : Position();
}

std::vector<Start> MergedLog::Starts(Which which) const {
  std::vector<Start> out;
  for (const Lane& lane : lanes_) {
    const bool needed = lane.held.empty() || lane.held.front().event.position == next_;
    if (which == Which::kNeeded && !needed) continue;
    Start& start = out.emplace_back();
    start.partition = lane.taken.partition;
    if (lane.added.position == Position()) continue;
    start.next = lane.added.record.offset.Next();
    start.last = lane.added.record;
  }
  return out;
}

}  // namespace daybook::bus::internal
