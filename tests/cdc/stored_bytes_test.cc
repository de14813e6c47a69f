#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cdc/fixtures.h"
#include "daybook/store/memory/memory_key_value.h"
#include "daybook/store/tests/table_dump.h"

namespace daybook::cdc_test {
namespace {

// The store's own name is another one in each.
std::string WithoutWriter(const std::string& dump) {
  const std::string row = "\ncdc.state 77 ";
  const std::size_t begin = dump.find(row);
  EXPECT_NE(begin, std::string::npos);
  return std::string(dump).erase(begin, dump.find('\n', begin + 1) - begin);
}

// Of each kind of row the first three: cdc.state has a letter for each kind, the others the number of a table first.
std::string FewOfEachKind(const std::string& dump) {
  std::map<std::string, int> seen;
  std::string few;
  for (const absl::string_view row : absl::StrSplit(dump, '\n', absl::SkipEmpty())) {
    const std::size_t kind = row.find(' ') + (absl::StartsWith(row, "cdc.state") ? 3 : 5);
    if (++seen[std::string(row.substr(0, kind))] <= 3) absl::StrAppend(&few, row, "\n");
  }
  return few;
}

// In the middle of the recording: of a transaction some events have come, aggregates wait for it and for rows, commands
// for their answers.
TEST(StoredBytesTest, TheGatewaysTablesHaveTheseBytes) {
  const Fixture& fixture = GetFixture("sample");
  const auto kv = store::NewMemoryKeyValue();
  CollectingSink sink;
  StillClock clock;
  Rig gateway(fixture, kv.get(), &sink, &clock);
  std::vector<cdc::Record> records;
  for (const std::size_t i : Interleaving(fixture.records, 5)) records.push_back(View(fixture.records[i]));
  records.resize(550);
  for (std::size_t at = 0; at < records.size(); at += 10) {
    sink.withhold = at > records.size() / 2;
    const std::size_t size = std::min<std::size_t>(10, records.size() - at);
    ASSERT_EQ(gateway->Ingest(std::span<const cdc::Record>(records).subspan(at, size)), absl::OkStatus());
    clock.Advance(absl::Milliseconds(10));
    ASSERT_EQ(gateway->Tick(), absl::OkStatus());
  }
  const Uuid letter = *Uuid::Parse("01234567-89ab-4def-8123-456789abcdef");
  const cdc::Published others{
      .writer = "another", .aggregate = "", .emission = 0, .id = letter, .type = "", .payload = ""};
  const cdc::InputPosition place{"commands", 3, 7, 1'800'000'000'123};
  ASSERT_EQ(gateway->Observe({&others, 1}, {&place, 1}), absl::OkStatus());
  ExpectGoldenTables(DAYBOOK_GOLDEN_DIR "/gateway_tables.txt", FewOfEachKind(WithoutWriter(DumpTables(*kv, "cdc."))));
}

}  // namespace
}  // namespace daybook::cdc_test
