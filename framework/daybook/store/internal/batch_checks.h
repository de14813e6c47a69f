#ifndef DAYBOOK_STORE_INTERNAL_BATCH_CHECKS_H_
#define DAYBOOK_STORE_INTERNAL_BATCH_CHECKS_H_

#include <string_view>

#include "absl/status/status.h"
#include "daybook/store/event_store.h"
#include "daybook/store/key_value.h"

namespace daybook::store::internal {

// What can be said of a batch without looking at the store: ids, sizes, counts. kInvalidArgument naming the place.
absl::Status CheckBatch(const Batch& batch);

// The same for rows that WriteSnapshots takes.
absl::Status CheckSnapshot(const SnapshotRow& row);

// kFailedPrecondition if `epoch` is older than `seen`.
absl::Status CheckEpoch(WriterEpoch epoch, WriterEpoch seen);

// kInternal unless `wanted` is 0 or `next`.
absl::Status CheckFirstPosition(Position wanted, Position next);

// kAborted, naming stream, expected and actual, unless `append.expected` admits `head`.
absl::Status CheckExpected(const StreamAppend& append, Revision head);

// True if `row` may replace the stored snapshot `stored` (0 = none) of a log that is durable up to `watermark`.
bool TakesSnapshot(const SnapshotRow& row, Revision stored, Position watermark);

// Table names of a KeyValue: [a-z0-9_.]{1,64}.
absl::Status CheckTableName(std::string_view name);

// kInvalidArgument for a DeleteRange without an end.
absl::Status CheckChange(const WriteBatch::Change& change);

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_INTERNAL_BATCH_CHECKS_H_
