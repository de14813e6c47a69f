// Prints a line for each table of a process's read models: name, number of rows, SHA-256 over all rows and keys, the
// checkpoint with its cursor included. The process must not run.
//
// usage: dump_tables DATA_DIR
#include <algorithm>
#include <iostream>
#include <string>

#include "daybook/base/hash.h"
#include "daybook/base/strings.h"
#include "daybook/store/rocks/rocks_key_value.h"

namespace {

absl::Status Dump(const std::string& data_dir) {
  daybook::store::RocksKeyValueOptions options;
  options.path = data_dir + "/read-models";
  auto models = daybook::store::OpenRocksKeyValue(options);
  if (!models.ok()) return models.status();
  std::vector<std::string> names = (*models)->TableNames();
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const auto table = (*models)->OpenTable(name);
    if (!table.ok()) return table.status();
    const auto cursor = (*models)->Scan(*table, "", "");
    std::string bytes;
    int rows = 0;
    for (absl::StatusOr<bool> more = cursor->Next(); !more.ok() || *more; more = cursor->Next()) {
      if (!more.ok()) return more.status();
      daybook::AppendLengthPrefixed(bytes, cursor->key());
      daybook::AppendLengthPrefixed(bytes, cursor->value());
      ++rows;
    }
    std::cout << name << ' ' << rows << ' ' << daybook::ToHex(daybook::Sha256(bytes)) << '\n';
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const absl::Status done = Dump(argv[1]);
  if (!done.ok()) std::cerr << done << std::endl;
  return done.ok() ? 0 : 1;
}
