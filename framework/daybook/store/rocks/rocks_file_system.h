#ifndef DAYBOOK_STORE_ROCKS_ROCKS_FILE_SYSTEM_H_
#define DAYBOOK_STORE_ROCKS_ROCKS_FILE_SYSTEM_H_

#include <memory>

#include "absl/status/statusor.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "daybook/store/rocks/rocks_key_value.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace daybook::store {

// Opens the stores on another file system than the machine's: one that injects faults (testing/fault_file_system.h) or
// encrypts. Otherwise as OpenRocksEventStore and OpenRocksKeyValue.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto store, OpenRocksEventStoreOn(faults.file_system(), options));
//
// Thread safety: from any thread.
absl::StatusOr<std::unique_ptr<EventStore>> OpenRocksEventStoreOn(std::shared_ptr<rocksdb::FileSystem> file_system,
                                                                  const RocksEventStoreOptions& options);
absl::StatusOr<std::unique_ptr<KeyValue>> OpenRocksKeyValueOn(std::shared_ptr<rocksdb::FileSystem> file_system,
                                                              const RocksKeyValueOptions& options);

}  // namespace daybook::store

#endif  // DAYBOOK_STORE_ROCKS_ROCKS_FILE_SYSTEM_H_
