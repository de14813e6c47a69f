#ifndef DAYBOOK_CORE_RECORDED_H_
#define DAYBOOK_CORE_RECORDED_H_

#include <cstdint>
#include <optional>
#include <string>

#include "daybook/core/stream_id.h"
#include "daybook/core/strong.h"
#include "daybook/core/timestamp.h"
#include "daybook/core/uuid.h"

namespace daybook {

// What is known of an event besides what happened: the envelope, decoded. proto/daybook/v1/envelope.proto is its wire
// form and names the CloudEvents attribute of each field.
struct EventMetadata {
  Uuid event_id;                         // unique; derived from the command id and the event's index
  CommandId command_id;                  // the command that caused it
  std::string correlation_id;            // of the whole conversation; "" = none
  std::string causation_id;              // what caused the command; "" = none
  std::string actor;                     // who asked; "" = unknown
  std::string traceparent;               // W3C trace context; "" = none
  Timestamp recorded_at;                 // the runtime's clock when it was decided
  std::optional<Timestamp> source_time;  // commit time at the source system, where there is one
  std::uint32_t event_index = 0;         // from 0, within its command
  std::uint32_t event_count = 1;         // how many events its command has
  std::uint32_t schema = 1;              // schema version of the event's type, from 1
  std::string source_change;             // what the source system calls it: "payee.erased"; "" = it does not say
};

// An event as it stands in the log: what happened, where, and its envelope.
//
//   static void On(const Recorded<pb::Suspended>& r, ViewWriter& out) { out.Put(r.stream.key(), …); }
//
// Thread safety: const. It refers to the caller's objects: copy what must outlive the call.
template <class E>
struct Recorded {
  const E& event;
  const StreamId& stream;
  Revision revision;
  Position position;
  PartitionId partition;
  const EventMetadata& metadata;
};

}  // namespace daybook

#endif  // DAYBOOK_CORE_RECORDED_H_
