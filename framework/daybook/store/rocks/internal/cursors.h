#ifndef DAYBOOK_STORE_ROCKS_INTERNAL_CURSORS_H_
#define DAYBOOK_STORE_ROCKS_INTERNAL_CURSORS_H_

#include <rocksdb/db.h>

#include <memory>

#include "daybook/store/event_store.h"
#include "daybook/store/internal/log_subscription.h"

namespace daybook::store::internal {

// Where cursors read.
struct LogFamilies {
  rocksdb::DB* db;
  rocksdb::ColumnFamilyHandle* events;
  rocksdb::ColumnFamilyHandle* index;
};

// The log from `from` to `to`, both durable.
std::unique_ptr<EventCursor> NewLogCursor(const LogFamilies& families, Position from, Position to);

// Revisions `from` to `to` of a stream, upwards or downwards; `to` exists. None if from > to.
std::unique_ptr<EventCursor> NewStreamCursor(const LogFamilies& families, const StreamId& stream, Revision from,
                                             Revision to, Direction direction);

// A cursor without events, or with nothing but `error`.
std::unique_ptr<EventCursor> NewEmptyCursor(absl::Status error);

// What a subscription reads with.
std::unique_ptr<LogReader> NewLogReader(const LogFamilies& families);

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_ROCKS_INTERNAL_CURSORS_H_
