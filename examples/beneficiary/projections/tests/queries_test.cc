// What the queries promise beyond the recordings: filters, cursors, order, moves, and what was created here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "beneficiary/projections/tests/view_log.h"
#include "daybook/base/reason.h"
#include "daybook/base/uuid_source.h"

namespace beneficiary {
namespace {

using daybook::ReasonOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Ids = std::vector<std::string>;

std::string IdOf(int n) { return daybook::NameBasedUuid(daybook::kUuidNamespaceDns, std::to_string(n)).ToString(); }

types::v1::BankAccount Account(const std::string& id, const std::string& iban) {
  types::v1::BankAccount account;
  account.set_id(id);
  account.set_legacy_id(id);
  account.set_currency("EUR");
  account.set_iban(iban);
  account.mutable_bank()->set_country_code("ES");
  account.set_active(true);
  return account;
}

// A beneficiary of BOS instance "uk" with legacy id n.
events::v1::BeneficiaryRegistered Legacy(int n, const std::string& client_id, const std::string& name = "Acme") {
  events::v1::BeneficiaryRegistered e;
  e.set_id(IdOf(n));
  e.set_client_id(client_id);
  e.mutable_details()->set_name(name);
  e.mutable_details()->set_type(types::v1::ENTITY_TYPE_BUSINESS);
  e.set_active(true);
  e.mutable_origin()->set_system("bos");
  e.mutable_origin()->set_instance("uk");
  e.mutable_origin()->set_id(std::to_string(n));
  return e;
}

events::v1::BeneficiaryRegistered CreatedHere(int n, const std::string& client_id) {
  events::v1::BeneficiaryRegistered e = Legacy(n, client_id, "Local");
  e.mutable_origin()->set_system("daybook");
  e.mutable_origin()->clear_instance();
  e.mutable_origin()->set_id(e.id());
  return e;
}

// The values of every `field` of a JSON array, in order.
Ids ValuesOf(const std::string& field, const std::string& json) {
  Ids out;
  const std::string start = "{\"" + field + "\":\"";
  for (std::size_t at = 0; (at = json.find(start, at)) != std::string::npos;) {
    at += start.size();
    out.push_back(json.substr(at, json.find('"', at) - at));
  }
  return out;
}

Ids Sorted(Ids ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

class QueriesTest : public ::testing::Test {
 protected:
  Ids List(const ListFilter& filter) {
    log_.WaitUntilShown();
    ListRequest request;
    request.filter = filter;
    request.limit = 200;
    std::string out;
    const absl::StatusOr<ListPage> page = log_.list().AppendItemsTo(request, out);
    EXPECT_TRUE(page.ok()) << page.status();
    Ids ids;
    for (const std::string& id : ValuesOf("id", out)) {
      if (id.size() == 36) ids.push_back(id);
    }
    return ids;
  }

  // Beneficiary ids of a page; "404" alone for an unknown client.
  Ids Compat(CompatRequest request, std::uint64_t* total = nullptr) {
    log_.WaitUntilShown();
    std::string out;
    const absl::StatusOr<std::uint64_t> result = compat_.AppendTo(request, out);
    if (!result.ok()) {
      EXPECT_EQ(ReasonOf(result.status()), "CLIENT_NOT_FOUND");
      return {"404"};
    }
    if (total != nullptr) *total = *result;
    return ValuesOf("beneficiary_id", out);
  }

  std::unique_ptr<daybook::store::KeyValue> models_ = daybook::store::NewMemoryKeyValue();
  ViewLog log_{*models_};
  CompatQuery compat_ = log_.compat();
};

TEST_F(QueriesTest, DetailFollowsTheStreamUntilItIsPurged) {
  log_.Append(IdOf(1), {Legacy(1, "C1", "Acme")});
  log_.Append(IdOf(1), {events::v1::BeneficiaryRemoved()});
  log_.WaitUntilShown();
  absl::StatusOr<Detail> detail = log_.detail().Get(IdOf(1));
  ASSERT_TRUE(detail.ok()) << detail.status();
  EXPECT_EQ(detail->revision, daybook::Revision(2));
  EXPECT_EQ(detail->status, Detail::Status::kDeleted);
  EXPECT_THAT(detail->json, HasSubstr(R"("version":2,"status":"deleted")"));
  std::string upper = IdOf(1);
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_TRUE(log_.detail().Get(upper).ok());

  log_.Append(IdOf(1), {events::v1::BeneficiaryPurged()});
  log_.WaitUntilShown();
  EXPECT_EQ(ReasonOf(log_.detail().Get(IdOf(1)).status()), "BENEFICIARY_NOT_FOUND");
  EXPECT_EQ(log_.detail().Validation(IdOf(1)).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(log_.detail().Get("no uuid").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(QueriesTest, ValidationShowsWhatIsViolatedNow) {
  events::v1::BeneficiaryRegistered e = Legacy(1, "C1");
  *e.add_bank_accounts() = Account("7", "ES0000");
  log_.Append(IdOf(1), {e});
  log_.WaitUntilShown();
  const absl::StatusOr<Warnings> warnings = log_.detail().Validation(IdOf(1));
  ASSERT_TRUE(warnings.ok()) << warnings.status();
  EXPECT_THAT(warnings->json, ::testing::StartsWith(R"({"warnings":[{"pointer":")"));
  EXPECT_EQ(warnings->client_id, "C1");
  EXPECT_THAT(warnings->json, HasSubstr(R"("pointer":"/bank_accounts/0/iban","code":"IBAN_)"));

  events::v1::BankAccountAmended good;
  *good.mutable_bank_account() = Account("7", "ES9121000418450200051332");
  good.mutable_bank_account()->set_account_holder("Acme");
  log_.Append(IdOf(1), {good});
  log_.WaitUntilShown();
  EXPECT_EQ(log_.detail().Validation(IdOf(1))->json, R"({"warnings":[]})");
}

TEST_F(QueriesTest, ListsLeaveOutRemovedOnesUnlessAskedFor) {
  events::v1::BeneficiaryRegistered inactive = Legacy(2, "C1");
  inactive.set_active(false);
  log_.Append(IdOf(1), {Legacy(1, "C1")});
  log_.Append(IdOf(2), {inactive});
  log_.Append(IdOf(3), {Legacy(3, "C1"), events::v1::BeneficiaryRemoved()});
  log_.Append(IdOf(4), {Legacy(4, "C1"), events::v1::BeneficiaryPurged()});
  log_.Append(IdOf(5), {Legacy(5, "C11")});
  EXPECT_EQ(List({.client_id = "C1"}), Sorted({IdOf(1), IdOf(2)}));
  EXPECT_EQ(List({.client_id = "C1", .status = ListFilter::Status::kActive}), Ids{IdOf(1)});
  EXPECT_EQ(List({.client_id = "C1", .status = ListFilter::Status::kInactive}), Ids{IdOf(2)});
  EXPECT_EQ(List({.client_id = "C1", .status = ListFilter::Status::kDeleted}), Ids{IdOf(3)});
  EXPECT_THAT(List({.client_id = "nobody"}), IsEmpty());
  log_.Append(IdOf(3), {events::v1::BeneficiaryRestored()});
  EXPECT_EQ(List({.client_id = "C1"}), Sorted({IdOf(1), IdOf(2), IdOf(3)}));
}

TEST_F(QueriesTest, ListFiltersLookAtAccountsAndInstance) {
  events::v1::BeneficiaryRegistered a = Legacy(1, "C1");
  *a.add_bank_accounts() = Account("7", "ES91");
  events::v1::BeneficiaryRegistered b = Legacy(2, "C1");
  *b.add_bank_accounts() = Account("8", "GB12");
  b.mutable_bank_accounts(0)->set_currency("GBP");
  b.mutable_bank_accounts(0)->mutable_bank()->set_country_code("GB");
  b.mutable_bank_accounts(0)->set_active(false);
  log_.Append(IdOf(1), {a});
  log_.Append(IdOf(2), {b});
  log_.Append(IdOf(3), {CreatedHere(3, "C1")});
  EXPECT_EQ(List({.client_id = "C1", .currency = "eur"}), Ids{IdOf(1)});
  EXPECT_EQ(List({.client_id = "C1", .bank_country = "GB"}), Ids{IdOf(2)});
  EXPECT_EQ(List({.client_id = "C1", .iban = "gb 12"}), Ids{IdOf(2)});
  EXPECT_THAT(List({.client_id = "C1", .currency = "EUR", .bank_country = "GB"}), IsEmpty());
  EXPECT_EQ(List({.client_id = "C1", .instance = "uk"}), Sorted({IdOf(1), IdOf(2)}));
  EXPECT_EQ(List({.client_id = "C1", .instance = "daybook"}), Ids{IdOf(3)});
  EXPECT_THAT(List({.client_id = "C1", .instance = "eu"}), IsEmpty());
}

TEST_F(QueriesTest, QIsAPrefixOfTheNameOrAnAliasWithoutRegardToCase) {
  const std::string decomposed = "Cafe\xcc\x81 Noir";
  events::v1::BeneficiaryRegistered aliased = Legacy(1, "C1", "Acme Iberia");
  aliased.add_aliases()->set_alias("\xc4\xb0stanbul office");  // begins with a dotted capital I
  log_.Append(IdOf(1), {aliased});
  log_.Append(IdOf(2), {Legacy(2, "C1",
                               "Stra\xc3\x9f"
                               "e GmbH")});
  log_.Append(IdOf(3), {Legacy(3, "C1", decomposed)});
  const auto q = [this](const std::string& text) { return List({.client_id = "C1", .q = text}); };
  EXPECT_EQ(q("ACME"), Ids{IdOf(1)});
  EXPECT_EQ(q("acme iberia"), Ids{IdOf(1)});
  EXPECT_THAT(q("iberia"), IsEmpty()) << "a prefix of the whole text, not of its words";
  EXPECT_EQ(q("i\xcc\x87stan"), Ids{IdOf(1)});
  EXPECT_EQ(q("STRASSE g"), Ids{IdOf(2)});
  EXPECT_EQ(q(decomposed), Ids{IdOf(3)});
  EXPECT_EQ(q("CAF\xc3\x89"), Ids{IdOf(3)}) << "composed finds decomposed";
  EXPECT_EQ(q("cafe"), Ids{IdOf(3)}) << "the text as it is stored starts so";
  EXPECT_EQ(q("").size(), 3u) << "empty = no filter";
}

TEST_F(QueriesTest, ACursorGoesOnBehindTheLastItemWhateverWasWrittenSince) {
  for (int n = 0; n < 20; ++n) log_.Append(IdOf(n), {Legacy(n, "C1")});
  log_.WaitUntilShown();
  ListRequest request;
  request.filter.client_id = "C1";
  request.limit = 7;
  std::string out;
  absl::StatusOr<ListPage> page = log_.list().AppendTo(request, out);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->items, 7u);
  EXPECT_THAT(out, HasSubstr("],\"next_cursor\":\"" + page->next_cursor + "\"}"));
  Ids seen;
  for (const std::string& id : ValuesOf("id", out)) seen.push_back(id);
  // Those already shown go, and another one comes before them: nothing behind is skipped or shown twice.
  for (const std::string& id : seen) log_.Append(id, {events::v1::BeneficiaryPurged()});
  log_.WaitUntilShown();
  while (!page->next_cursor.empty()) {
    request.cursor = page->next_cursor;
    out.clear();
    page = log_.list().AppendTo(request, out);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const std::string& id : ValuesOf("id", out)) seen.push_back(id);
  }
  EXPECT_THAT(out, HasSubstr("\"next_cursor\":null}"));
  Ids all;
  for (int n = 0; n < 20; ++n) all.push_back(IdOf(n));
  EXPECT_EQ(seen, Sorted(all));
}

TEST_F(QueriesTest, ThePageThatEndsTheListExactlyHasNoCursor) {
  for (int n = 0; n < 4; ++n) log_.Append(IdOf(n), {Legacy(n, "C1")});
  log_.WaitUntilShown();
  ListRequest request;
  request.filter.client_id = "C1";
  request.limit = 4;
  std::string out;
  EXPECT_EQ(log_.list().AppendItemsTo(request, out)->next_cursor, "");
  request.filter.currency = "EUR";
  out.clear();
  EXPECT_EQ(log_.list().AppendTo(request, out)->items, 0u);
  EXPECT_EQ(out, R"({"items":[],"next_cursor":null})");
}

TEST_F(QueriesTest, ABadCursorOrLimitIsRefusedAndNothingIsWritten) {
  for (int n = 0; n < 3; ++n) log_.Append(IdOf(n), {Legacy(n, "C1")});
  log_.WaitUntilShown();
  ListRequest request;
  request.filter.client_id = "C1";
  request.limit = 1;
  std::string out;
  const std::string cursor = log_.list().AppendTo(request, out)->next_cursor;
  ASSERT_NE(cursor, "");

  const auto reason = [&](ListRequest r) {
    std::string body = "before";
    const absl::Status status = log_.list().AppendTo(r, body).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(body, "before");
    return ReasonOf(status);
  };
  request.cursor = cursor;
  request.filter.currency = "EUR";
  EXPECT_EQ(reason(request), "CURSOR_OF_OTHER_FILTERS");
  request.filter.currency.reset();
  request.filter.client_id = "C2";
  EXPECT_EQ(reason(request), "CURSOR_OF_OTHER_FILTERS");
  request.filter.client_id = "C1";
  for (const std::string& bad : {std::string("x"), std::string("!!!!"), cursor.substr(0, 8), cursor + "=",
                                 std::string(2000, 'A'), std::string("\xff\xfe")}) {
    request.cursor = bad;
    EXPECT_EQ(reason(request), "CURSOR_MALFORMED") << bad;
  }
  request.cursor.clear();
  for (const std::size_t limit : {0, 201}) {
    request.limit = limit;
    EXPECT_EQ(reason(request), "LIMIT_OUT_OF_RANGE");
  }
}

TEST_F(QueriesTest, CompatibilityOrdersLegacyKeysAsNumbersAndThenWhatWasCreatedHere) {
  log_.ListClient("uk", "C1");
  log_.Append(IdOf(100), {CreatedHere(100, "C1")});
  log_.Append(IdOf(10), {Legacy(10, "C1")});
  log_.Append(IdOf(9), {Legacy(9, "C1")});
  log_.Append(IdOf(99), {CreatedHere(99, "C1")});
  std::uint64_t total = 0;
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1"}, &total), ElementsAre("9", "10", IdOf(100), IdOf(99)));
  EXPECT_EQ(total, 4u);
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1", .page = 2, .page_size = 3}, &total), ElementsAre(IdOf(99)));
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1", .page = 1, .page_size = 3}),
              ElementsAre("9", "10", IdOf(100)));
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1", .page = ~std::uint64_t{0}, .page_size = 500}, &total),
              IsEmpty());
  EXPECT_EQ(total, 4u);
  // Removed and restored, it keeps its place.
  log_.Append(IdOf(100), {events::v1::BeneficiaryRemoved()});
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1"}), ElementsAre("9", "10", IdOf(99)));
  log_.Append(IdOf(100), {events::v1::BeneficiaryRestored()});
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1"}), ElementsAre("9", "10", IdOf(100), IdOf(99)));
}

TEST_F(QueriesTest, CompatibilityKnowsClientsWithoutBeneficiariesAndForgetsThem) {
  EXPECT_EQ(Compat({.instance = "uk", .client_id = "C1"}), Ids{"404"});
  log_.ListClient("uk", "C1");
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1"}), IsEmpty());
  EXPECT_EQ(Compat({.instance = "eu", .client_id = "C1"}), Ids{"404"}) << "equal refs of two instances are two clients";
  EXPECT_THAT(*compat_.Instances(), ElementsAre("uk"));

  events::v1::ClientChanged renamed;
  renamed.set_client_id("C2");
  log_.AppendClient("uk-C1", renamed);
  EXPECT_EQ(Compat({.instance = "uk", .client_id = "C1"}), Ids{"404"});
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C2"}), IsEmpty());
  log_.AppendClient("uk-C1", events::v1::ClientRemoved());
  EXPECT_EQ(Compat({.instance = "uk", .client_id = "C2"}), Ids{"404"});
  EXPECT_THAT(*compat_.Instances(), IsEmpty());
}

TEST_F(QueriesTest, CompatibilityFollowsAMoveToAnotherClient) {
  log_.ListClient("uk", "C1");
  log_.ListClient("uk", "C2");
  events::v1::BeneficiaryRegistered e = Legacy(5, "C1");
  *e.add_bank_accounts() = Account("7", "ES91");
  log_.Append(IdOf(5), {e});
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1"}), ElementsAre("5"));
  events::v1::MovedToClient moved;
  moved.set_client_id("C2");
  log_.Append(IdOf(5), {moved});
  std::uint64_t total = 9;
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1"}, &total), IsEmpty());
  EXPECT_EQ(total, 0u);
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1", .iban = "ES91"}), IsEmpty());
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C2", .iban = "ES91"}), ElementsAre("5"));
  EXPECT_EQ(List({.client_id = "C2"}), Ids{IdOf(5)});
  EXPECT_THAT(List({.client_id = "C1"}), IsEmpty());
}

TEST_F(QueriesTest, CompatibilityFindsIbansOfActiveAccountsOnly) {
  log_.ListClient("uk", "C1");
  events::v1::BeneficiaryRegistered e = Legacy(5, "C1");
  *e.add_bank_accounts() = Account("7", "ES91");
  *e.add_bank_accounts() = Account("8", "GB12");
  *e.add_bank_accounts() = Account("9", "ES91");
  e.mutable_bank_accounts(1)->set_active(false);
  log_.Append(IdOf(5), {e});
  std::uint64_t total = 0;
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1", .iban = " es 91 "}, &total), ElementsAre("5"));
  EXPECT_EQ(total, 1u) << "once, though two accounts have it";
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1", .iban = "GB12"}, &total), IsEmpty());
  EXPECT_EQ(total, 0u);

  events::v1::BankAccountAmended amended;
  *amended.mutable_bank_account() = Account("8", "GB12");
  log_.Append(IdOf(5), {amended});
  events::v1::BankAccountRemoved gone;
  gone.set_account_id("7");
  log_.Append(IdOf(5), {gone});
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1", .iban = "gb12"}), ElementsAre("5"));
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1", .iban = "ES91"}), ElementsAre("5"));
  log_.Append(IdOf(5), {events::v1::BeneficiaryRemoved()});
  EXPECT_THAT(Compat({.instance = "uk", .client_id = "C1", .iban = "ES91"}), IsEmpty());
}

TEST_F(QueriesTest, ACachedPageIsNotServedAfterAChange) {
  log_.ListClient("uk", "C1");
  log_.Append(IdOf(1), {Legacy(1, "C1", "Before")});
  log_.WaitUntilShown();
  const auto body = [this] {
    std::string out;
    EXPECT_TRUE(compat_.AppendTo({.instance = "uk", .client_id = "C1"}, out).ok());
    return out;
  };
  EXPECT_THAT(body(), HasSubstr("Before"));
  EXPECT_THAT(body(), HasSubstr("Before"));
  events::v1::DetailsAmended amended;
  amended.mutable_details()->set_name("After");
  log_.Append(IdOf(1), {amended});
  log_.WaitUntilShown();
  EXPECT_THAT(body(), HasSubstr("After"));
}

TEST_F(QueriesTest, ACachedPageIsSharedAndOutlivesChangesOfOtherClients) {
  log_.ListClient("uk", "C1");
  log_.Append(IdOf(1), {Legacy(1, "C1")});
  log_.WaitUntilShown();
  const CompatRequest request{.instance = "uk", .client_id = "C1"};
  const CompatPage page = *compat_.Page(request);
  EXPECT_EQ(page.total, 1u);
  EXPECT_EQ(compat_.Page(request)->body, page.body);
  log_.ListClient("uk", "C2");
  log_.WaitUntilShown();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(compat_.Page(request)->body, page.body);
    EXPECT_EQ(compat_.Page(request)->total, 1u);
  }
  log_.Append(IdOf(2), {Legacy(2, "C1")});
  log_.WaitUntilShown();
  EXPECT_NE(compat_.Page(request)->body, page.body);
  EXPECT_EQ(compat_.Page(request)->total, 2u);
}

// Readers that fill and confirm the cache at any moment must not keep an older page alive.
TEST_F(QueriesTest, WhatAReadModelHasReachedIsOnThePageWhoeverElseAsks) {
  log_.ListClient("uk", "C1");
  log_.Append(IdOf(1), {Legacy(1, "C1", "Name 0.")});
  log_.WaitUntilShown();
  const CompatRequest request{.instance = "uk", .client_id = "C1"};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) EXPECT_TRUE(compat_.Page(request).ok());
    });
  }
  for (int i = 1; i <= 200; ++i) {
    events::v1::DetailsAmended amended;
    amended.mutable_details()->set_name("Name " + std::to_string(i) + ".");
    log_.Append(IdOf(1), {amended});
    log_.WaitUntilShown();
    ASSERT_THAT(*compat_.Page(request)->body, HasSubstr("Name " + std::to_string(i) + "."));
  }
}

}  // namespace
}  // namespace beneficiary
