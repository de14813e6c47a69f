#ifndef DAYBOOK_STORE_TESTS_TABLE_DUMP_H_
#define DAYBOOK_STORE_TESTS_TABLE_DUMP_H_

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/strings.h"
#include "daybook/store/key_value.h"

namespace daybook {

// All rows of the tables whose names begin so, a line each: table, key and value in hexadecimal digits.
inline std::string DumpTables(store::KeyValue& kv, std::string_view prefix = "") {
  std::string dump;
  for (const std::string& name : kv.TableNames()) {
    if (!name.starts_with(prefix)) continue;
    const absl::StatusOr<store::TableId> table = kv.OpenTable(name);
    EXPECT_TRUE(table.ok()) << table.status();
    const auto cursor = kv.Scan(*table, "", "");
    while (true) {
      const absl::StatusOr<bool> more = cursor->Next();
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
      absl::StrAppend(&dump, name, " ", ToHex(cursor->key()), " ", ToHex(cursor->value()), "\n");
    }
  }
  return dump;
}

// Fails unless the dump is the committed file, whose lines beginning with # do not count. What is stored changes only
// with a new format version, never by the way: stores of yesterday are opened by programs of tomorrow.
inline void ExpectGoldenTables(const std::string& path, const std::string& dump) {
  std::ifstream file(path);
  std::string golden;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('#')) absl::StrAppend(&golden, line, "\n");
  }
  std::istringstream expected_lines(golden);
  std::istringstream lines(dump);
  std::string expected;
  std::string line;
  for (int number = 1; std::getline(expected_lines, expected); ++number) {
    if (!std::getline(lines, line)) line = "the end";
    ASSERT_EQ(expected, line) << "row " << number << " of " << path
                              << " has changed: give it a new format version and read the old one. "
                              << "All rows as they are now:\n"
                              << dump;
  }
  ASSERT_FALSE(std::getline(lines, line)) << path << " does not have " << line;
}

}  // namespace daybook

#endif  // DAYBOOK_STORE_TESTS_TABLE_DUMP_H_
