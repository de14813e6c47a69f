#ifndef DAYBOOK_BUS_TESTS_TOPIC_LOG_H_
#define DAYBOOK_BUS_TESTS_TOPIC_LOG_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "daybook/base/strings.h"
#include "daybook/bus/event_record.h"
#include "daybook/codec/envelope.h"

namespace daybook::bus {

inline constexpr absl::Duration kLimit = absl::Seconds(30);
inline constexpr char kAccounts[] = "accounts";
inline constexpr char kTaggings[] = "taggings";

// A log as its publisher holds it, over topics named "<category>s".
class TopicLog {
 public:
  struct Event {
    std::string stream;
    Revision revision;
    Position position;
    Position previous;
    std::uint32_t index = 0;
    std::uint32_t count = 1;
    std::string type;
    std::string envelope;
    std::string data;
    std::string topic;
  };
  struct Payload {
    std::string type;
    std::string data;
  };

  // One command's events.
  void Append(const StreamId& stream, const std::vector<Payload>& payloads) {
    const CommandId command{NextUuid()};
    for (std::uint32_t i = 0; i < payloads.size(); ++i) {
      Event& event = events_.emplace_back();
      event.stream = stream.text();
      event.revision = Revision(++revisions_[stream.text()]);
      event.position = Position(events_.size());
      event.index = i;
      event.count = static_cast<std::uint32_t>(payloads.size());
      event.type = payloads[i].type;
      event.data = payloads[i].data;
      event.topic = std::string(stream.category()) + "s";
      event.previous = std::exchange(last_[event.topic], event.position);
      codec::EnvelopeFields fields;
      fields.event_id = codec::EventIdOf(command, i);
      fields.command_id = command;
      fields.event_index = i;
      fields.event_count = event.count;
      fields.recorded_at = Timestamp::FromMicros(1'700'000'000'000'000 + static_cast<std::int64_t>(events_.size()));
      codec::EncodeEnvelope(fields, event.envelope);
    }
  }
  // So that two logs do not hold the same event ids.
  void StartIdsAt(std::uint64_t n) { next_id_ = n; }

  const std::deque<Event>& events() const { return events_; }
  const Event& at(std::uint64_t position) const { return events_[position - 1]; }
  Position end() const { return Position(events_.size()); }

  static store::EventView ViewOf(const Event& event) {
    store::EventView view;
    view.stream = event.stream;
    view.revision = event.revision;
    view.position = event.position;
    view.index = event.index;
    view.count = event.count;
    view.type = event.type;
    view.envelope = event.envelope;
    view.data = event.data;
    return view;
  }

  static OutgoingRecord RecordOf(const Event& event, HeaderList& headers) {
    const store::EventView view = ViewOf(event);
    auto record = EncodeEvent(event.topic, {&view, PartitionId(0), event.previous}, headers);
    EXPECT_TRUE(record.ok()) << record.status();
    return *std::move(record);
  }

 private:
  Uuid NextUuid() {
    std::string raw(8, '\7');
    AppendBigEndian64(raw, next_id_++);
    return *Uuid::FromBytes(raw);
  }

  std::deque<Event> events_;
  std::map<std::string, std::uint64_t> revisions_;
  std::map<std::string, Position> last_;
  std::uint64_t next_id_ = 1;
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_TESTS_TOPIC_LOG_H_
