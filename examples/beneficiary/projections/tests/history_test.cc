// Random histories: whatever happens to the beneficiaries, the read models are what the states say, and a rebuild from
// zero gives the same bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "beneficiary/projections/render.h"
#include "beneficiary/projections/tests/view_log.h"
#include "daybook/base/uuid_source.h"

namespace beneficiary {
namespace {

using State = state::v1::BeneficiaryState;

const std::vector<std::string> kClients = {"C1", "C2", "C3"};
const std::vector<std::string> kIbans = {"ES91", "GB12", "DE89"};
const std::vector<std::string> kCurrencies = {"EUR", "GBP"};

// What became of one beneficiary.
struct Known {
  State state;
  std::uint64_t revision = 0;
  std::uint64_t created_order = 0;  // when it was first registered, for those created here
};

class History {
 public:
  History(std::uint32_t seed, ViewLog& log) : random_(seed), log_(log) {
    for (const std::string& client : kClients) log_.ListClient("uk", client);
  }

  void Step() {
    const int n = Below(40);
    const std::string id = daybook::NameBasedUuid(daybook::kUuidNamespaceDns, std::to_string(n)).ToString();
    Known& known = known_[id];
    std::vector<Beneficiary::Event> events;
    if (known.state.lifecycle() != State::LIFECYCLE_REGISTERED) {
      events.push_back(Registered(n, id));
      known.created_order = ++clock_;
    } else {
      for (int i = 1 + Below(3); i > 0; --i) events.push_back(Change());
      if (Below(12) == 0) events.push_back(events::v1::BeneficiaryPurged());
    }
    for (const Beneficiary::Event& event : events) {
      std::visit([&](const auto& e) { Beneficiary::Evolve(known.state, e); }, event);
      ++known.revision;
    }
    log_.Append(id, events);
  }

  void CheckLists(const ListQuery& query) {
    for (const std::string& client : kClients) {
      ListRequest request;
      request.filter.client_id = client;
      if (Below(2) == 0) request.filter.currency = kCurrencies[Below(2)];
      if (Below(2) == 0) request.filter.iban = kIbans[Below(3)];
      if (Below(3) == 0) request.filter.status = static_cast<ListFilter::Status>(Below(3));
      if (Below(3) == 0) request.filter.q = "NAME " + std::to_string(Below(3));
      request.limit = 1 + Below(5);
      std::string expected, seen;
      for (const auto& [id, known] : known_) {
        if (!Listed(known.state, request.filter)) continue;
        if (!expected.empty()) expected += ',';
        AppendDefinitiveJson(known.state, daybook::Revision(known.revision), expected);
      }
      do {
        std::string page;
        const absl::StatusOr<ListPage> result = query.AppendItemsTo(request, page);
        ASSERT_TRUE(result.ok()) << result.status();
        if (!page.empty()) seen += (seen.empty() ? "" : ",") + page;
        request.cursor = result->next_cursor;
      } while (!request.cursor.empty());
      ASSERT_EQ(seen, expected);
    }
  }

  void CheckCompat(const CompatQuery& query) {
    for (const std::string& client : kClients) {
      const std::string iban = Below(2) == 0 ? kIbans[Below(3)] : "";
      const std::vector<const State*> visible = Visible(client, iban);
      const std::uint64_t page_size = 1 + Below(7);
      for (std::uint64_t page = 1; page <= visible.size() / page_size + 2; ++page) {
        std::string expected = "[";
        for (std::size_t i = (page - 1) * page_size; i < std::min<std::size_t>(page * page_size, visible.size()); ++i) {
          if (expected.size() > 1) expected += ',';
          AppendCompatJson(*visible[i], expected);
        }
        std::string body;
        const absl::StatusOr<std::uint64_t> total = query.AppendTo(
            {.instance = "uk", .client_id = client, .page = page, .page_size = page_size, .iban = iban}, body);
        ASSERT_TRUE(total.ok()) << total.status();
        ASSERT_EQ(*total, visible.size());
        ASSERT_EQ(body, expected + "]");
      }
    }
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<std::uint32_t>(n)); }

  // Every third one is created here.
  events::v1::BeneficiaryRegistered Registered(int n, const std::string& id) {
    events::v1::BeneficiaryRegistered e;
    e.set_id(id);
    e.set_client_id(kClients[Below(3)]);
    e.mutable_details()->set_name("Name " + std::to_string(Below(3)));
    e.set_active(Below(2) == 0);
    e.set_removed(Below(5) == 0);
    e.mutable_origin()->set_system(n % 3 == 0 ? "daybook" : "bos");
    e.mutable_origin()->set_instance(n % 3 == 0 ? "" : "uk");
    e.mutable_origin()->set_id(n % 3 == 0 ? id : std::to_string(n));
    for (int i = Below(3); i > 0; --i) *e.add_bank_accounts() = Account(i);
    return e;
  }

  types::v1::BankAccount Account(int i) {
    types::v1::BankAccount account;
    account.set_id("account " + std::to_string(i));
    account.set_legacy_id(std::to_string(i));
    account.set_iban(kIbans[Below(3)]);
    account.set_currency(kCurrencies[Below(2)]);
    account.set_active(Below(3) > 0);
    return account;
  }

  Beneficiary::Event Change() {
    switch (Below(7)) {
      case 0: {
        events::v1::MovedToClient e;
        e.set_client_id(kClients[Below(3)]);
        return e;
      }
      case 1:
        return events::v1::BeneficiaryRemoved();
      case 2:
        return events::v1::BeneficiaryRestored();
      case 3: {
        events::v1::BankAccountAdded e;
        *e.mutable_bank_account() = Account(1 + Below(4));
        return e;
      }
      case 4: {
        events::v1::BankAccountRemoved e;
        e.set_account_id("account " + std::to_string(1 + Below(4)));
        return e;
      }
      case 5: {
        events::v1::DetailsAmended e;
        e.mutable_details()->set_name("name " + std::to_string(Below(3)) + "!");
        return e;
      }
      default:
        return events::v1::BeneficiaryDeactivated();
    }
  }

  static bool Listed(const State& s, const ListFilter& filter) {
    using Status = ListFilter::Status;
    if (s.lifecycle() != State::LIFECYCLE_REGISTERED || s.client_id() != filter.client_id) return false;
    const Status status = s.removed() ? Status::kDeleted : s.active() ? Status::kActive : Status::kInactive;
    if (filter.status ? status != *filter.status : status == Status::kDeleted) return false;
    const auto any_account = [&s](auto matches) {
      return std::any_of(s.bank_accounts().begin(), s.bank_accounts().end(), matches);
    };
    if (filter.currency && !any_account([&](const auto& a) { return a.currency() == *filter.currency; })) return false;
    if (filter.iban && !any_account([&](const auto& a) { return a.iban() == *filter.iban; })) return false;
    return !filter.q || s.details().name()[5] == filter.q->back();  // "Name 1" or "name 1!", and "NAME 1"
  }

  std::vector<const State*> Visible(const std::string& client, const std::string& iban) {
    std::vector<const Known*> found;
    for (const auto& [id, known] : known_) {
      const State& s = known.state;
      if (s.lifecycle() != State::LIFECYCLE_REGISTERED || s.removed() || s.client_id() != client) continue;
      const bool hit = std::any_of(s.bank_accounts().begin(), s.bank_accounts().end(),
                                   [&](const auto& a) { return a.active() && a.iban() == iban; });
      if (iban.empty() || hit) found.push_back(&known);
    }
    const auto order = [](const Known* k) {
      const bool here = k->state.origin().system() != "bos";
      return std::make_pair(here, here ? k->created_order : std::stoull(k->state.origin().id()));
    };
    std::sort(found.begin(), found.end(), [&](const Known* a, const Known* b) { return order(a) < order(b); });
    std::vector<const State*> out;
    for (const Known* known : found) out.push_back(&known->state);
    return out;
  }

  std::mt19937 random_;
  ViewLog& log_;
  std::map<std::string, Known> known_;
  std::uint64_t clock_ = 0;
};

TEST(HistoryTest, TheReadModelsAreWhatTheStatesSayAndEqualARebuild) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  const std::unique_ptr<daybook::store::KeyValue> models = daybook::store::NewMemoryKeyValue();
  ViewLog log(*models);
  History history(seed, log);
  const CompatQuery cached = log.compat();
  const CompatQuery uncached = log.compat({.page_cache_bytes_max = 0});
  for (int round = 0; round < 30; ++round) {
    for (int step = 0; step < 25; ++step) history.Step();
    if (round % 7 == 0) log.Restart();
    log.WaitUntilShown();
    history.CheckLists(log.list());
    history.CheckCompat(round % 2 == 0 ? cached : uncached);
    if (::testing::Test::HasFatalFailure()) return;
  }
  const std::unique_ptr<daybook::store::KeyValue> rebuilt = daybook::store::NewMemoryKeyValue();
  daybook::projection::ProjectionRunner runner(log.store(), *rebuilt, {});
  ViewLog::AddAll(runner);
  runner.Start();
  ASSERT_TRUE(runner.WaitUntil(runner.Names(), log.store().DurableWatermark(), absl::Seconds(60)).ok());
  EXPECT_EQ(DumpModels(*models), DumpModels(*rebuilt));
}

}  // namespace
}  // namespace beneficiary
