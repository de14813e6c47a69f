#ifndef DAYBOOK_CORE_CONTEXT_H_
#define DAYBOOK_CORE_CONTEXT_H_

#include <string>
#include <string_view>

#include "daybook/core/stream_id.h"
#include "daybook/core/strong.h"
#include "daybook/core/timestamp.h"
#include "daybook/core/uuid.h"

namespace daybook {

// Name-based ids (RFC 9562 version 5), given to the decider so that it needs no hash library of its own.
// Implemented by base/uuid_source.h. Thread safety: const and stateless.
class NameBasedIds {
 public:
  virtual ~NameBasedIds() = default;
  virtual Uuid Derive(const Uuid& name_space, std::string_view name) const = 0;
};

// All that a decider may know besides its state and the command: it reads no clock, randomness, I/O or globals.
//
// The runtime fills one per command. Thread safety: const while Decide runs. Views and references live as long as the
// call.
struct Context {
  Timestamp now;                      // one value for the whole command, from the injected clock
  CommandId command_id;               // the same on every retry, so ids derived from it are too
  std::string actor;                  // who asks, as the edge established it; "" = unknown
  StreamId stream;                    // the aggregate's stream
  Revision revision;                  // of the state given; 0 = no events yet
  const NameBasedIds* ids = nullptr;  // never null in a running service or under testing::Spec

  // UUIDv5 of `name` below `name_space`.
  Uuid DeriveId(const Uuid& name_space, std::string_view name) const { return ids->Derive(name_space, name); }
};

}  // namespace daybook

#endif  // DAYBOOK_CORE_CONTEXT_H_
