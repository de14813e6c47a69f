#ifndef DAYBOOK_STORE_ROCKS_ROCKS_EVENT_STORE_H_
#define DAYBOOK_STORE_ROCKS_ROCKS_EVENT_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/core/strong.h"
#include "daybook/store/event_store.h"

namespace daybook::store {

struct RocksEventStoreOptions {
  std::string path;                                     // the partition's directory; created if it is not there
  PartitionId partition;                                // written at creation, checked afterwards
  absl::Duration outcome_retention = absl::Hours(168);  // older outcomes may be removed in the background
  std::uint64_t block_cache_bytes = 64 * 1024 * 1024;
  const Clock* clock = &Clock::System();  // decides which outcomes are older; outlives the store
};

// Opens (or creates) a partition on disk: one directory, one RocksDB, one owner.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto store, OpenRocksEventStore({.path = "/var/lib/payees/0"}));
//
// Errors:
//   kFailedPrecondition  another process (or this one) has it open; or it was written by an unknown format version, or
//                        for another partition. The message says what to do.
//   kDataLoss            damaged beyond the torn tail of an unacknowledged write; names the file
//   kUnavailable         the path cannot be created, read or written
// docs/reference/formats/event-store.md describes every key and value.
absl::StatusOr<std::unique_ptr<EventStore>> OpenRocksEventStore(const RocksEventStoreOptions& options);

}  // namespace daybook::store

#endif  // DAYBOOK_STORE_ROCKS_ROCKS_EVENT_STORE_H_
