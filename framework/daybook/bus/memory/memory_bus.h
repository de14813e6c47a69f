#ifndef DAYBOOK_BUS_MEMORY_MEMORY_BUS_H_
#define DAYBOOK_BUS_MEMORY_MEMORY_BUS_H_

#include <memory>

#include "daybook/base/clock.h"
#include "daybook/bus/bus.h"

namespace daybook::bus {

struct MemoryBusOptions {
  const Clock* clock = &Clock::System();  // not owned; time-stamps of records, and sessions by Monotonic()
};

// A bus inside the process: nothing survives it, and everything else is as with Kafka: transactions with markers that
// take an offset, read-committed, fencing, groups. Topics must be created, as on a broker that is well kept.
//
//   std::unique_ptr<Bus> bus = NewMemoryBus();
//
// Differences: topic settings and replication are remembered and not acted on, so that nothing is compacted or expires
// but by DeleteRecords; a record has at most 1,000,000 bytes; a member of a group cannot die, only stop polling
// (poll_interval_max) or leave, a static one for longer than its session_timeout.
std::unique_ptr<Bus> NewMemoryBus(const MemoryBusOptions& options = {});

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_MEMORY_MEMORY_BUS_H_
