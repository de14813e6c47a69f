#include <gtest/gtest.h>

#include <random>

#include "cdc/fixtures.h"
#include "cdc/transaction_model.h"
#include "daybook/store/memory/memory_key_value.h"

namespace daybook::cdc_test {
namespace {

// Less than a transaction may take, so that none is given up.
constexpr absl::Duration kPassedMax = absl::Seconds(20);

enum class Time { kStandsStill, kPasses };

struct Case {
  std::string fixture;
  int seeds;
};

class InterleavingTest : public ::testing::TestWithParam<Case> {
 protected:
  void Run(std::uint64_t seed, cdc::TransactionMode mode, Time time);

  const Fixture& fixture_ = GetFixture(GetParam().fixture);
  const std::vector<PlainChange> changes_ = PlainChanges(fixture_);
};

INSTANTIATE_TEST_SUITE_P(Recorded, InterleavingTest,
                         ::testing::Values(Case{"sample", 120}, Case{"bos-a", 50}, Case{"bos-b", 50}),
                         [](const auto& info) {
                           std::string name = info.param.fixture;
                           std::erase(name, '-');
                           return name;
                         });

void InterleavingTest::Run(std::uint64_t seed, cdc::TransactionMode mode, Time time) {
  SCOPED_TRACE(::testing::Message() << "fixture " << fixture_.name << ", seed " << seed);
  std::mt19937_64 random(seed * 7919);
  const std::vector<std::size_t> order = Interleaving(fixture_.records, seed);
  const auto kv = store::NewMemoryKeyValue();
  CollectingSink sink;
  StillClock clock;
  Rig gateway(fixture_, kv.get(), &sink, &clock, mode);
  TransactionModel model(changes_);
  const bool check_halves = mode == cdc::TransactionMode::kMetadata &&
                            // A snapshot in the middle shows rows of transactions whose records are still to come.
                            (time == Time::kStandsStill || fixture_.name != "bos-b");
  const std::size_t batch_max = std::size_t{1} << (random() % 10);
  std::size_t checked = 0;
  absl::Duration passed;
  std::vector<cdc::Record> batch;
  for (std::size_t at = 0; at < order.size();) {
    batch.clear();
    for (std::size_t left = 1 + random() % batch_max; left > 0 && at < order.size(); --left, ++at) {
      batch.push_back(View(fixture_.records[order[at]]));
      model.Apply(changes_[order[at]]);
    }
    ASSERT_EQ(gateway->Ingest(batch), absl::OkStatus());
    while (gateway->counters().outbox > 0) ASSERT_EQ(gateway->Tick(), absl::OkStatus());
    for (; check_halves && checked < sink.commands.size(); ++checked) {
      beneficiary::commands::v1::SyncFromBos sync;
      if (sink.commands[checked].type != sync.GetTypeName()) continue;
      ASSERT_TRUE(sync.ParseFromString(sink.commands[checked].payload));
      ASSERT_EQ(model.HalfShown(std::stoll(sync.legacy_id())), "") << "beneficiary " << sync.legacy_id();
    }
    const absl::Duration step = absl::Milliseconds(random() % 40);
    if (time == Time::kPasses && passed + step < kPassedMax) {
      clock.Advance(step);
      passed += step;
    }
  }
  // Any suffix again: at the same offsets, as after a consumer's restart.
  batch.clear();
  for (std::size_t at = random() % order.size(); at < order.size(); ++at) {
    batch.push_back(View(fixture_.records[order[at]]));
  }
  ASSERT_EQ(gateway->Ingest(batch), absl::OkStatus());
  ASSERT_EQ(gateway->Flush(), absl::OkStatus());
  ASSERT_EQ(gateway->Drain(absl::ZeroDuration()), absl::OkStatus());
  ASSERT_EQ(Difference(fixture_, FoldAll(sink.commands)), "");
  const cdc::GatewayCounters counters = gateway->counters();
  EXPECT_EQ(counters.parked, 0u);
  EXPECT_EQ(counters.dirty, 0u);
  EXPECT_EQ(counters.transactions_timed_out, 0u);
  // And the whole file once more.
  ASSERT_EQ(IngestAll(*gateway, Views(fixture_.records)), absl::OkStatus());
  EXPECT_EQ(gateway->counters().commands, counters.commands);
}

TEST_P(InterleavingTest, R13TheFinalStateDoesNotDependOnHowPartitionsInterleave) {
  const int seeds = GetParam().seeds / CaseShare();
  std::cout << "seeds 1 to " << seeds << std::endl;
  for (int seed = 1; seed <= seeds; ++seed) {
    // Half of them while the clock goes on, so that the debounce fires in the middle; a quarter without metadata.
    const Time time = seed % 2 == 0 ? Time::kPasses : Time::kStandsStill;
    const auto mode = seed % 4 == 3 ? cdc::TransactionMode::kIgnore : cdc::TransactionMode::kMetadata;
    Run(static_cast<std::uint64_t>(seed), mode, time);
    if (HasFatalFailure()) return;
  }
}

TEST_P(InterleavingTest, R13DeliveredAgainUnderNewOffsetsInAnotherOrderEmitsNothing) {
  const int seeds = GetParam().seeds / CaseShare() / 5;
  for (int seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    const auto kv = store::NewMemoryKeyValue();
    CollectingSink sink;
    StillClock clock;
    Rig gateway(fixture_, kv.get(), &sink, &clock);
    std::vector<cdc::Record> records;
    for (const std::size_t i : Interleaving(fixture_.records, static_cast<std::uint64_t>(seed))) {
      records.push_back(View(fixture_.records[i]));
    }
    ASSERT_EQ(IngestAll(*gateway, records), absl::OkStatus());
    const std::size_t commands = sink.commands.size();
    records.clear();
    for (const std::size_t i : Interleaving(fixture_.records, static_cast<std::uint64_t>(seed + 1000))) {
      if (changes_[i].operation == 'r') continue;
      records.push_back(View(fixture_.records[i]));
      records.back().offset += 1'000'000;
    }
    ASSERT_EQ(IngestAll(*gateway, records), absl::OkStatus());
    EXPECT_EQ(sink.commands.size(), commands);
  }
}

}  // namespace
}  // namespace daybook::cdc_test
