// The bytes that callers keep, and that pages of another process go on from.
#include <gtest/gtest.h>

#include "beneficiary/projections/internal/compat_rows.h"
#include "beneficiary/projections/tests/view_log.h"
#include "daybook/base/hash.h"
#include "daybook/store/tests/table_dump.h"

namespace beneficiary {
namespace {

events::v1::BeneficiaryRegistered Registered(const std::string& id, const std::string& legacy_id) {
  events::v1::BeneficiaryRegistered e;
  e.set_id(id);
  e.set_client_id("C1");
  e.mutable_details()->set_name("N");
  e.set_active(true);
  e.mutable_origin()->set_system("bos");
  e.mutable_origin()->set_instance("uk");
  e.mutable_origin()->set_id(legacy_id);
  return e;
}

TEST(ViewFormatTest, ACursorHasTheseBytes) {
  const std::unique_ptr<daybook::store::KeyValue> models = daybook::store::NewMemoryKeyValue();
  ViewLog log(*models);
  const std::string first = "00000000-0000-0000-0000-000000000001";
  const std::string second = "00000000-0000-0000-0000-000000000002";
  log.Append(first, {Registered(first, "1")});
  log.Append(second, {Registered(second, "2")});
  log.WaitUntilShown();
  ListRequest request;
  request.filter.client_id = "C1";
  request.limit = 1;
  std::string out;
  EXPECT_EQ(log.list().AppendTo(request, out)->next_cursor,
            "AdZYbvYhPiRLMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAx");
}

TEST(ViewFormatTest, CompatibilityRowsHaveTheseKeysAndValues) {
  EXPECT_EQ(daybook::ToHex(internal::CompatClientKey("uk", "C1")), "6302756b024331");
  EXPECT_EQ(daybook::ToHex(internal::CompatRowPrefix("", "C1")), "7200024331");
  EXPECT_EQ(daybook::ToHex(internal::CompatIbanPrefix("uk", "C1", "ES91")), "6902756b0243310445533931");
  EXPECT_EQ(daybook::ToHex(internal::EncodeCompatClient({daybook::Position(1), 2, 3})),
            "000000000000000100000000000000020000000000000003");
  const std::unique_ptr<daybook::store::KeyValue> models = daybook::store::NewMemoryKeyValue();
  ViewLog log(*models);
  const std::string id = "00000000-0000-0000-0000-000000000001";
  log.Append(id, {Registered(id, "10")});
  log.WaitUntilShown();
  const std::string order("\x01\x80\0\0\0\0\0\0\x0a", 9);
  EXPECT_TRUE(DumpModels(*models).contains("compat.v1/" + internal::CompatRowPrefix("uk", "C1") + order));
}

TEST(ViewFormatTest, TheReadModelsRowsHaveTheseBytes) {
  const std::unique_ptr<daybook::store::KeyValue> models = daybook::store::NewMemoryKeyValue();
  ViewLog log(*models);
  log.ListClient("uk", "C1");
  const std::string id = "00000000-0000-0000-0000-000000000001";
  events::v1::BankAccountAdded account;
  auto& added = *account.mutable_bank_account();
  added.set_id("00000000-0000-0000-0000-00000000000a");
  added.set_iban("ES9121000418450200051332");
  added.set_currency("EUR");
  added.set_active(true);
  events::v1::AliasAdded alias;
  alias.mutable_alias()->set_alias("Ann");
  events::v1::ScreeningResultRecorded screening;
  screening.mutable_screening()->set_status(types::v1::SCREENING_STATUS_CLEAR);
  screening.mutable_screening()->set_checked_at_us(1'700'000'000'000'000);
  log.Append(id, {Registered(id, "10"), account, alias, screening});
  const std::string gone = "00000000-0000-0000-0000-000000000002";
  log.Append(gone, {Registered(gone, "11")});
  log.Append(gone, {events::v1::BeneficiaryRemoved()});
  log.WaitUntilShown();
  daybook::ExpectGoldenTables(BENEFICIARY_GOLDEN_DIR "/read_models.txt", daybook::DumpTables(*models));
}

}  // namespace
}  // namespace beneficiary
