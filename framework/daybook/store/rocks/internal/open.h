#ifndef DAYBOOK_STORE_ROCKS_INTERNAL_OPEN_H_
#define DAYBOOK_STORE_ROCKS_INTERNAL_OPEN_H_

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "daybook/store/rocks/internal/rocks_status.h"

namespace daybook::store::internal {

// The database behind a store, with what it needs to live. Members go in reverse order: the database first.
struct OpenDatabase {
  std::unique_ptr<rocksdb::Env> env;
  std::shared_ptr<RocksLogger> logger;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;  // owned by whoever closes the database

  // Gives back `families` and closes. Nobody reads any more.
  void Close();
};

// Creates the directory if it is missing. True if a database is in it already. kDataLoss if files of one are there but
// not the file that names them; kUnavailable if the path cannot be used.
absl::StatusOr<bool> PrepareDirectory(rocksdb::FileSystem& file_system, const std::string& path);

// The column families of the database at `path`.
absl::StatusOr<std::vector<std::string>> ListFamilies(const rocksdb::DBOptions& options, const std::string& path);

// Opens the database with exactly `families`. Errors as OpenRocksEventStore.
absl::StatusOr<OpenDatabase> OpenFamilies(const rocksdb::DBOptions& options,
                                          std::shared_ptr<rocksdb::FileSystem> file_system, const std::string& path,
                                          const std::vector<rocksdb::ColumnFamilyDescriptor>& families);

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_ROCKS_INTERNAL_OPEN_H_
