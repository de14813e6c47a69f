#ifndef DAYBOOK_BUS_EVENT_RECORD_H_
#define DAYBOOK_BUS_EVENT_RECORD_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "daybook/bus/record.h"
#include "daybook/core/recorded.h"
#include "daybook/core/stream_id.h"
#include "daybook/core/strong.h"
#include "daybook/store/event_store.h"

namespace daybook::bus {

// An event as it stands on its topic, "<domain>.<aggregate>.events.v1": all that a reader needs to fold it without the
// store. Views refer to the Record that it was read from.
//
//   DAYBOOK_ASSIGN_OR_RETURN(const EventRecord event, DecodeEvent(record));
//   if (event.position <= last) continue;                                       // rule 3: a repeat
//   std::string envelope;
//   projection.Apply(ViewOf(event, envelope));                                  // what the log itself would have given
//
// How the events of one log lie on topics (event_publisher.h keeps to it; docs/adr has the reasons):
//   1. Every event of the log is on exactly one topic, chosen by its stream's category, in the topic's partition of the
//      same number as the log's. Key = the aggregate's key; value = the message; the rest is CloudEvents headers.
//   2. Within a topic's partition positions (ce_sequence) rise. They have gaps, for the other events went to the log's
//      other topics. `previous` (ce_previoussequence) is the position of the log's event before this one in this topic;
//      0 = it is the first. So a reader of one topic sees that it misses nothing.
//   3. A reader that remembers the last position of each topic, or of the merged log, drops what is at or below it. The
//      publisher writes each event once; a record of it that the broker held back while it died could only be a repeat.
//   4. Over all topics of the log positions are dense from 1. A reader of all of them has the log again, in its one
//      order, by taking that topic's next record whose position is the last one's and one: no watermark, no clock. If
//      every topic's next record lies further on, events are missing (retention, a topic made anew): that reader stops,
//      and says so.
//   5. event_index and event_count are of the command, all of whose events have one stream and so lie on one topic,
//      side by side. A reader never ends its batch, or its token, between them.
// Consistency tokens name positions of the log, so they mean the same to a reader of the topics as to one of the store.
struct EventRecord {
  StreamId stream;
  std::string_view type;  // full name of the message
  PartitionId partition;  // of the log
  Revision revision;
  Position position;
  Position previous;
  EventMetadata metadata;
  std::string_view data;  // the message, serialised
};

// What is known of an event for writing it.
struct EventToSend {
  const store::EventView* event = nullptr;
  PartitionId partition;
  Position previous;
};

// The record refers to `topic`, `*to_send.event` and `headers`, whose content is replaced. kDataLoss: the stored
// envelope or stream is damaged. kInvalidArgument: a text is longer than CloudEvents headers here may be.
absl::StatusOr<OutgoingRecord> EncodeEvent(std::string_view topic, const EventToSend& to_send, HeaderList& headers);

// kInvalidArgument with reason NOT_AN_EVENT, naming topic, partition, offset and what is wrong: no CloudEvent in binary
// mode, a tombstone, another content type than protobuf, no sequence or revision, a subject that is no stream, a key
// that is not the stream's, a source that is not this log's partition.
absl::StatusOr<EventRecord> DecodeEvent(const Record& record);

// The event as the log's own readers see it. `envelope` takes the envelope's bytes; the view refers to both arguments.
store::EventView ViewOf(const EventRecord& event, std::string& envelope);

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_EVENT_RECORD_H_
