#include "backlog/recorded_backlog.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "cdc/fixtures.h"
#include "daybook/store/memory/memory_key_value.h"

namespace daybook::bench {
namespace {

using cdc_test::CollectingSink;
using cdc_test::Folded;

constexpr char kSet[] = "bos-a";

std::unique_ptr<RecordedBacklog> Open() {
  auto backlog = RecordedBacklog::Open(cdc_test::GetFixture(kSet).path);
  EXPECT_TRUE(backlog.ok()) << backlog.status();
  return *std::move(backlog);
}

struct Taken {
  Folded folded;
  cdc::GatewayCounters counters;
};

// The copies through one gateway, one after the other.
Taken Ingest(const RecordedBacklog& backlog, std::uint64_t first, std::uint64_t count) {
  const auto kv = store::NewMemoryKeyValue();
  CollectingSink sink;
  cdc_test::StillClock clock;
  cdc_test::Rig gateway(cdc_test::GetFixture(kSet), kv.get(), &sink, &clock);
  RecordedBacklog::Copy copy;
  for (std::uint64_t number = first; number < first + count; ++number) {
    backlog.Make(number, copy);
    EXPECT_TRUE(gateway->Ingest(copy.records()).ok());
  }
  EXPECT_TRUE(gateway->Flush().ok());
  EXPECT_TRUE(gateway->Drain(absl::Seconds(30)).ok());
  return {cdc_test::FoldAll(sink.commands), gateway->counters()};
}

TEST(RecordedBacklogTest, TheFirstCopyIsTheRecording) {
  const Taken taken = Ingest(*Open(), 0, 1);
  EXPECT_EQ(cdc_test::Difference(cdc_test::GetFixture(kSet), taken.folded), "");
}

TEST(RecordedBacklogTest, EveryCopyIsAnotherSetOfClientsWithAsManyBeneficiaries) {
  const auto backlog = Open();
  const Taken one = Ingest(*backlog, 0, 1);
  const Taken three = Ingest(*backlog, 0, 3);
  EXPECT_EQ(three.folded.beneficiaries.size(), 3 * one.folded.beneficiaries.size());
  EXPECT_EQ(three.folded.clients.size(), 3 * one.folded.clients.size());
  std::set<std::string> clients;
  for (const auto& [id, beneficiary] : three.folded.beneficiaries) clients.insert(beneficiary.image().client_id());
  std::set<std::string> clients_of_one;
  for (const auto& [id, beneficiary] : one.folded.beneficiaries) clients_of_one.insert(beneficiary.image().client_id());
  EXPECT_EQ(clients.size(), 3 * clients_of_one.size());
}

TEST(RecordedBacklogTest, TransactionsOfCopiesAreCompleteAndNothingIsSetAsideSkippedOrParkedMore) {
  const auto backlog = Open();
  const Taken one = Ingest(*backlog, 0, 1);
  const Taken three = Ingest(*backlog, 0, 3);
  EXPECT_EQ(three.counters.records, 3 * one.counters.records);
  EXPECT_EQ(three.counters.applied, 3 * one.counters.applied);
  EXPECT_EQ(three.counters.transactions, 3 * one.counters.transactions);
  EXPECT_EQ(three.counters.skipped_by_offset, 0U);
  EXPECT_EQ(three.counters.skipped_by_lsn, 3 * one.counters.skipped_by_lsn);
  EXPECT_EQ(three.counters.open_transactions, 0U);
  EXPECT_EQ(three.counters.dead_letters, 0U);
  EXPECT_EQ(three.counters.parked, 3 * one.counters.parked);
}

TEST(RecordedBacklogTest, ACopyHoldsWhatTheOneBeforeHoldsUnderOtherKeys) {
  const auto backlog = Open();
  const Taken first = Ingest(*backlog, 0, 1);
  const Taken fortieth = Ingest(*backlog, 40, 1);
  std::multiset<std::string> names;
  std::multiset<std::string> other_names;
  for (const auto& [id, one] : first.folded.beneficiaries) {
    names.insert(one.image().details().name());
    EXPECT_FALSE(fortieth.folded.beneficiaries.contains(id)) << id;
  }
  for (const auto& [id, one] : fortieth.folded.beneficiaries) other_names.insert(one.image().details().name());
  EXPECT_EQ(names, other_names);
}

}  // namespace
}  // namespace daybook::bench
