#ifndef DAYBOOK_STORE_ROCKS_INTERNAL_LOG_TAIL_H_
#define DAYBOOK_STORE_ROCKS_INTERNAL_LOG_TAIL_H_

#include <rocksdb/file_system.h>
#include <rocksdb/options.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace daybook::store::internal {

// The first entry of every batch that is synced before it is acknowledged; in the write-ahead log only. RocksDB never
// puts such a batch behind an unsynced one into one record, so the entry is always the first of its record.
inline constexpr std::string_view kSyncedMarker = "daybook.synced";

// How to recover from the write-ahead logs in `path`, from a look at their records before RocksDB does:
//   whole                                        kTolerateCorruptedTailRecords
//   damaged, and no synced batch lies behind it  kPointInTimeRecovery: what is dropped was never acknowledged, as far
//                                                as the log can tell
//   damaged, and a synced batch lies behind it   kDataLoss, naming file and offset
// RocksDB alone would either refuse every torn write whose bytes reached the disk out of order, or take a damaged
// length for the end of the log and drop what was acknowledged behind it.
absl::StatusOr<rocksdb::WALRecoveryMode> InspectLogs(rocksdb::FileSystem& file_system, const std::string& path);

// What InspectLogs makes of one file's bytes: the offset of the first damaged record, or its size.
std::uint64_t EndOfWholeRecords(std::string_view log);
// True if a synced batch begins at or behind `offset`.
bool HasSyncedBatchFrom(std::string_view log, std::uint64_t offset);

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_ROCKS_INTERNAL_LOG_TAIL_H_
