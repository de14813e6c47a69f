#ifndef DAYBOOK_STORE_ROCKS_INTERNAL_LOG_PAGES_H_
#define DAYBOOK_STORE_ROCKS_INTERNAL_LOG_PAGES_H_

#include <rocksdb/db.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "daybook/store/rocks/internal/format.h"

namespace daybook::store::internal {

// Walks over the pages of the log. What it shows lives until the next call. Thread safety: one thread at a time.
class LogPages {
 public:
  LogPages(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* events, const rocksdb::ReadOptions& options)
      : path_(db.GetName()), pages_(db.NewIterator(options, events)) {}

  // Makes page() the one that holds `position`, and its next event the one there. kDataLoss if it is not there, which
  // the caller knows to be durable.
  absl::Status Seek(Position position);

  // Makes page() the page after the present one, which must begin with `position`.
  absl::Status Follow(Position position);

  // The page, for reading; at its end before the first Seek.
  PageReader& page() { return page_; }
  // Its bytes, with its last position.
  std::string_view bytes() const { return bytes_; }

 private:
  absl::Status Take(Position position);

  const std::string path_;
  const std::unique_ptr<rocksdb::Iterator> pages_;
  PageReader page_;
  std::string_view bytes_;
};

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_ROCKS_INTERNAL_LOG_PAGES_H_
