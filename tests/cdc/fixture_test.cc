#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "beneficiary/gateway/bos_gateway.h"
#include "cdc/fixtures.h"
#include "daybook/store/memory/memory_key_value.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::cdc_test {
namespace {

class FixtureTest : public ::testing::TestWithParam<std::string> {
 protected:
  const Fixture& fixture_ = GetFixture(GetParam());
  std::unique_ptr<store::KeyValue> kv_ = store::NewMemoryKeyValue();
  CollectingSink sink_;
  StillClock clock_;
};

INSTANTIATE_TEST_SUITE_P(Recorded, FixtureTest, ::testing::Values("sample", "bos-a", "bos-b"), [](const auto& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
});

TEST_P(FixtureTest, CommandsLeaveWhatSqlSeesAtTheEnd) {
  Rig gateway(fixture_, kv_.get(), &sink_, &clock_);
  ASSERT_EQ(IngestAll(*gateway, Views(fixture_.records)), absl::OkStatus());
  const Folded folded = FoldAll(sink_.commands);
  EXPECT_EQ(Difference(fixture_, folded), "");
  const cdc::GatewayCounters counters = gateway->counters();
  EXPECT_EQ(counters.records, fixture_.records.size());
  EXPECT_EQ(counters.dead_letters, 0u);
  EXPECT_EQ(counters.parked, 0u);
  EXPECT_EQ(counters.dirty, 0u);
  EXPECT_EQ(counters.open_transactions, 0u);
  EXPECT_EQ(counters.unknown_columns, 0u);
  EXPECT_EQ(counters.transactions_timed_out, 0u);
  EXPECT_EQ(counters.outbox, 0u);
  EXPECT_EQ(counters.published, sink_.commands.size());
}

TEST_P(FixtureTest, R4WithoutTransactionMetadataTheEndIsTheSame) {
  Rig gateway(fixture_, kv_.get(), &sink_, &clock_, cdc::TransactionMode::kIgnore);
  ASSERT_EQ(IngestAll(*gateway, Views(fixture_.records)), absl::OkStatus());
  EXPECT_EQ(Difference(fixture_, FoldAll(sink_.commands)), "");
}

TEST_P(FixtureTest, R1TheWholeFileAgainEmitsNothing) {
  Rig gateway(fixture_, kv_.get(), &sink_, &clock_);
  ASSERT_EQ(IngestAll(*gateway, Views(fixture_.records)), absl::OkStatus());
  const std::size_t commands = sink_.commands.size();
  ASSERT_EQ(IngestAll(*gateway, Views(fixture_.records)), absl::OkStatus());
  EXPECT_EQ(sink_.commands.size(), commands);
  EXPECT_EQ(gateway->counters().skipped_by_offset, fixture_.records.size());
}

// Everything but snapshot records, as after a connector's restart: in each partition behind what it holds.
std::vector<OwnedRecord> UnderNewOffsets(const std::vector<OwnedRecord>& records) {
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> next;
  for (const OwnedRecord& r : records) {
    std::int64_t& offset = next[{r.topic, r.partition}];
    offset = std::max(offset, r.offset + 1);
  }
  std::vector<OwnedRecord> again;
  for (const OwnedRecord& r : records) {
    if (r.value && r.value->find("\"op\":\"r\"") != std::string::npos) continue;
    again.push_back(r);
    again.back().offset = next[{r.topic, r.partition}]++;
  }
  return again;
}

TEST_P(FixtureTest, R1ChangesDeliveredAgainUnderNewOffsetsEmitNothing) {
  Rig gateway(fixture_, kv_.get(), &sink_, &clock_);
  ASSERT_EQ(IngestAll(*gateway, Views(fixture_.records)), absl::OkStatus());
  const std::size_t commands = sink_.commands.size();
  const std::vector<OwnedRecord> again = UnderNewOffsets(fixture_.records);
  ASSERT_EQ(IngestAll(*gateway, Views(again)), absl::OkStatus());
  EXPECT_EQ(sink_.commands.size(), commands);
  EXPECT_GT(gateway->counters().skipped_by_lsn, 0u);
  EXPECT_EQ(gateway->counters().skipped_by_offset, 0u);
}

TEST_P(FixtureTest, R5EveryCommandHasItsOwnIdAndDiffersFromTheOneBefore) {
  Rig gateway(fixture_, kv_.get(), &sink_, &clock_);
  ASSERT_EQ(IngestAll(*gateway, Views(fixture_.records), 1), absl::OkStatus());
  std::set<std::string> ids;
  std::map<std::string, std::string> last;
  for (const cdc::Command& command : sink_.commands) {
    EXPECT_TRUE(ids.insert(command.id.ToString()).second);
    std::string& before = last[command.stream.text()];
    EXPECT_NE(before, command.type + command.payload);
    before = command.type + command.payload;
  }
}

TEST_P(FixtureTest, R5TheSameInputGivesTheSameCommandIds) {
  Rig gateway(fixture_, kv_.get(), &sink_, &clock_);
  ASSERT_EQ(IngestAll(*gateway, Views(fixture_.records)), absl::OkStatus());
  const auto other_kv = store::NewMemoryKeyValue();
  CollectingSink other_sink;
  Rig other(fixture_, other_kv.get(), &other_sink, &clock_);
  ASSERT_EQ(IngestAll(*other, Views(fixture_.records)), absl::OkStatus());
  ASSERT_EQ(sink_.commands.size(), other_sink.commands.size());
  std::set<std::string> ids;
  for (const cdc::Command& command : sink_.commands) ids.insert(command.id.ToString());
  for (const cdc::Command& command : other_sink.commands) EXPECT_TRUE(ids.contains(command.id.ToString()));
}

TEST_P(FixtureTest, R12TheRecordedSnapshotsHoldEveryRow) {
  Rig gateway(fixture_, kv_.get(), &sink_, &clock_);
  ASSERT_EQ(IngestAll(*gateway, Views(fixture_.records)), absl::OkStatus());
  ASSERT_TRUE(gateway->SnapshotEndedAt().has_value());
  const absl::StatusOr<bool> done = gateway->CheckSnapshot(SIZE_MAX);
  ASSERT_EQ(done.status(), absl::OkStatus());
  EXPECT_TRUE(*done);
  const cdc::SnapshotCheck check = gateway->snapshot_check();
  EXPECT_EQ(check.stage, cdc::SnapshotCheck::Stage::kChecked);
  EXPECT_EQ(check.missing, 0u);
  EXPECT_EQ(check.rows, std::vector<std::string>());
  EXPECT_EQ(check.tables_without_rows, std::vector<std::string>());
}

TEST_P(FixtureTest, TheFileGoesThroughTheServicesGateway) {
  const daybook::testing::TemporaryDirectory directory;
  const auto gateway = beneficiary::BosGateway::Open(
      {.data_dir = directory.path(), .instance = fixture_.instance, .clock = &Clock::System()}, kv_.get(), &sink_);
  ASSERT_EQ(gateway.status(), absl::OkStatus());
  int reports = 0;
  ASSERT_EQ((*gateway)->IngestFile(fixture_.path, [&](const beneficiary::IngestProgress&) { ++reports; }),
            absl::OkStatus());
  EXPECT_GT(reports, 0);
  EXPECT_EQ(Difference(fixture_, FoldAll(sink_.commands)), "");
}

TEST(DryRunTest, PrintsOneCommandPerLine) {
  const Fixture& fixture = GetFixture("sample");
  const daybook::testing::TemporaryDirectory directory;
  std::ostringstream out;
  ASSERT_EQ(beneficiary::DryRun({.data_dir = directory.path(), .instance = fixture.instance}, fixture.path, out),
            absl::OkStatus());
  std::istringstream in(out.str());
  std::string line;
  std::set<std::string> streams;
  while (std::getline(in, line)) {
    const boost::json::value command = boost::json::parse(line);
    streams.insert(std::string(command.at("stream").as_string()));
    EXPECT_TRUE(command.at("command").is_object());
  }
  EXPECT_GE(streams.size(), fixture.definitive.size() + 12);  // one per client too
}

}  // namespace
}  // namespace daybook::cdc_test
