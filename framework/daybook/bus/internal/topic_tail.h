#ifndef DAYBOOK_BUS_INTERNAL_TOPIC_TAIL_H_
#define DAYBOOK_BUS_INTERNAL_TOPIC_TAIL_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/bus/bus.h"
#include "daybook/core/strong.h"
#include "daybook/core/uuid.h"
#include "daybook/store/event_store.h"

namespace daybook::bus::internal {

enum class TopicKind {
  kEvents,  // keeps every record
  kStates,  // compacted: may lose any record but each key's last
};

// The record of the highest sequence at a topic partition's end.
struct TopicTail {
  Position position;  // 0 = there is none
  Uuid event_id;      // of the event there; a state's is that of the last event it holds
  Offset end;         // behind the last record that is there
};

// kNotFound: no such topic; kUnavailable, kDeadlineExceeded: the broker; kFailedPrecondition with reason TOPIC_EXPIRED;
// of events, kDataLoss with reason EVENTS_MISSING: the topic does not begin with the log's first event of it. Records
// that are no events are passed over.
absl::StatusOr<TopicTail> FindTail(Bus& bus, const TopicPartition& partition, TopicKind kind, absl::Duration timeout);

// kFailedPrecondition with reason TOPIC_AHEAD_OF_LOG or TOPIC_OF_ANOTHER_LOG; the store's errors.
absl::Status CheckTail(const TopicTail& tail, const TopicPartition& partition, store::EventStore& store);

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_INTERNAL_TOPIC_TAIL_H_
