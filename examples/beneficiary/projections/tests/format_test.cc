// The bytes that callers keep, and that pages of another process go on from.
#include <gtest/gtest.h>

#include "beneficiary/projections/internal/compat_rows.h"
#include "beneficiary/projections/tests/view_log.h"
#include "daybook/base/hash.h"

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

}  // namespace
}  // namespace beneficiary
