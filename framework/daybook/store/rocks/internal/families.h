#ifndef DAYBOOK_STORE_ROCKS_INTERNAL_FAMILIES_H_
#define DAYBOOK_STORE_ROCKS_INTERNAL_FAMILIES_H_

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "daybook/base/clock.h"

namespace daybook::store::internal {

// The column families of an event store, in the order in which they are opened.
enum class Family { kMeta, kEvents, kIndex, kOutcomes, kSnapshots, kDeadlines };
inline constexpr std::size_t kFamilyCount = 6;
inline constexpr std::array<const char*, kFamilyCount> kFamilyNames = {"default",  "events",    "index",
                                                                       "outcomes", "snapshots", "deadlines"};

// What both stores on disk ask of RocksDB; docs/adr/0011-event-store-layout.md and 0012-write-ahead-log.md say why.
rocksdb::DBOptions CommonOptions();

// LZ4, 16 MB write buffers, a Bloom filter over whole keys, blocks of `block_bytes`.
rocksdb::ColumnFamilyOptions OrderedFamily(const std::shared_ptr<rocksdb::Cache>& cache, std::size_t block_bytes);

struct FamilySettings {
  std::shared_ptr<rocksdb::Cache> cache;
  absl::Duration outcome_retention;
  const Clock* clock;  // decides in the background which outcomes are older than that
};
std::vector<rocksdb::ColumnFamilyDescriptor> EventStoreFamilies(const FamilySettings& settings);

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_ROCKS_INTERNAL_FAMILIES_H_
