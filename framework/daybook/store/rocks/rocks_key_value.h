#ifndef DAYBOOK_STORE_ROCKS_ROCKS_KEY_VALUE_H_
#define DAYBOOK_STORE_ROCKS_ROCKS_KEY_VALUE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daybook/store/key_value.h"

namespace daybook::store {

struct RocksKeyValueOptions {
  std::string path;  // created if it is not there
  std::uint64_t block_cache_bytes = 64 * 1024 * 1024;
};

// Opens (or creates) a key-value store on disk; each table is a column family. Errors as OpenRocksEventStore.
absl::StatusOr<std::unique_ptr<KeyValue>> OpenRocksKeyValue(const RocksKeyValueOptions& options);

}  // namespace daybook::store

#endif  // DAYBOOK_STORE_ROCKS_ROCKS_KEY_VALUE_H_
