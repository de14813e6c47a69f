#include "daybook/cdc/internal/transactions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daybook/cdc/tests/change_maker.h"

namespace daybook::cdc::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kOwner = 0;

TEST(TransactionsTest, AnOverdueOneIsToldOfOnceAndAClosedOneNever) {
  const Catalog catalog = test::Garage();
  const auto kv = store::NewMemoryKeyValue();
  Transactions transactions(&catalog, *kv->OpenTable("cdc.state"), Transactions::Messages::kIgnored);
  const absl::Duration now = absl::Seconds(100);
  transactions.Arrived({1, 1}, kOwner, "", now);
  transactions.Arrived({2, 1}, kOwner, "", now + absl::Seconds(1));
  transactions.Arrived({3, 1}, kOwner, "", now + absl::Seconds(2));
  transactions.Close(2);
  EXPECT_THAT(transactions.Overdue(now + absl::Seconds(29), absl::Seconds(30)), IsEmpty());
  EXPECT_THAT(transactions.Overdue(now + absl::Seconds(31), absl::Seconds(30)), ElementsAre(1U));
  EXPECT_THAT(transactions.Overdue(now + absl::Seconds(40), absl::Seconds(30)), ElementsAre(3U));
}

}  // namespace
}  // namespace daybook::cdc::internal
