#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/schema_compat/stored_schemas.h"

namespace daybook {
namespace {

constexpr char kHowToRefresh[] =
    "\nRefresh the snapshot deliberately: build schema_snapshot, then\n"
    "  schema_snapshot tests/schema_compat/stored_schemas.textproto > /tmp/new && mv /tmp/new "
    "tests/schema_compat/stored_schemas.textproto\n"
    "It refuses breaks; append --break only for what was never released.";

std::string Committed() {
  std::ifstream file(DAYBOOK_SCHEMA_SNAPSHOT);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

TEST(StoredSchemasTest, WhatWasWrittenCanStillBeRead) {
  const auto before = codec::ParseSchemas(Committed());
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_GT(before->file_size(), 5);
  for (const std::string& finding : codec::FindSchemaBreaks(*before, StoredSchemas())) {
    ADD_FAILURE() << finding << kHowToRefresh;
  }
}

// An addition that is not in the snapshot could be taken away again unseen.
TEST(StoredSchemasTest, TheSnapshotIsOfToday) {
  EXPECT_TRUE(codec::FormatSchemas(StoredSchemas()) == Committed())
      << "the stored schemas have changed" << kHowToRefresh;
}

}  // namespace
}  // namespace daybook
