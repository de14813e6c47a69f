#include "beneficiary/domain/identity.h"

#include <gtest/gtest.h>

#include "daybook/base/uuid_source.h"
#include "daybook/testing/fake_ids.h"

namespace beneficiary {
namespace {

TEST(IdentityTest, TheNameSpaceIsTheOneOfBeneficiaryDaybook) {
  EXPECT_EQ(kNamespace, daybook::NameBasedUuid(daybook::kUuidNamespaceDns, "beneficiary.daybook"));
  EXPECT_EQ(kNamespace.ToString(), "157402e8-078d-5764-bea8-198235e56fd6");
}

TEST(IdentityTest, IdsOfBosRowsAreNamedByInstanceKindAndKey) {
  EXPECT_EQ(BosBeneficiaryName("uk", "1234"), "bos-uk:beneficiary:1234");
  EXPECT_EQ(BosBankAccountName("uk", "77"), "bos-uk:bank_account:77");
  EXPECT_EQ(BosClientName("uk", "42"), "bos-uk:client:42");
}

TEST(IdentityTest, AnAccountCreatedHereIsNamedByItsCommandAndIndex) {
  EXPECT_EQ(CreatedBankAccountName(daybook::testing::NumberedCommandId(1), 2),
            "00000000-0000-7000-8000-000000000001:2");
}

TEST(IdentityTest, LegacyIdsAreOrderedAsNumbers) {
  const std::string_view kAscending[] = {"-9223372036854775808", "-10", "-9", "-1", "0", "1", "2", "9", "10",
                                         "9223372036854775807",  "x",   "y"};
  for (const auto& a : kAscending) {
    for (const auto& b : kAscending) {
      const int want = &a < &b ? -1 : (&a > &b ? 1 : 0);
      const int got = CompareLegacyIds(a, b);
      EXPECT_EQ(got < 0 ? -1 : (got > 0 ? 1 : 0), want) << std::string(a) << " and " << std::string(b);
    }
  }
  EXPECT_EQ(CompareLegacyIds("007", "7"), 0);
  EXPECT_EQ(CompareLegacyIds("-0", "0"), 0);
}

}  // namespace
}  // namespace beneficiary
