// What holds for every state, event and command, however odd: nothing crashes, and what the API builds stays valid.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/client.h"
#include "beneficiary/domain/tests/builders.h"
#include "beneficiary/domain/tests/random.h"
#include "beneficiary/domain/validation.h"

namespace beneficiary {
namespace {

using State = Beneficiary::State;

template <class Variant, std::size_t... i>
Variant MakeAlternative(std::size_t index, std::index_sequence<i...>) {
  Variant out;
  (void(index == i ? void(out.template emplace<i>()) : void()), ...);
  return out;
}

// Any alternative of the variant, filled with anything.
template <class Variant>
Variant Anything(Random& random) {
  constexpr std::size_t kCount = std::variant_size_v<Variant>;
  Variant out = MakeAlternative<Variant>(static_cast<std::size_t>(random.Below(static_cast<int>(kCount))),
                                         std::make_index_sequence<kCount>());
  std::visit([&](auto& message) { random.Fill(message); }, out);
  return out;
}

template <class A>
void Evolve(typename A::State& s, const typename A::Event& event) {
  std::visit([&](const auto& e) { A::Evolve(s, e); }, event);
}

template <class A>
void ExpectWireSafe(const typename A::State& s) {
  typename A::State decoded;
  ASSERT_TRUE(decoded.ParseFromString(s.SerializeAsString()));
  EXPECT_EQ(decoded.SerializeAsString(), s.SerializeAsString());
}

template <class A>
void EveryEventOnTheEmptyState() {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    typename A::State s;
    Evolve<A>(s, Anything<typename A::Event>(random));
    ExpectWireSafe<A>(s);
  }
}

TEST(TotalityTest, EveryEventIsTakenByTheEmptyState) {
  EveryEventOnTheEmptyState<Beneficiary>();
  EveryEventOnTheEmptyState<Client>();
}

template <class A>
void AnyEventsInAnyOrder(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  typename A::State s;
  for (int i = 0; i < 30; ++i) Evolve<A>(s, Anything<typename A::Event>(random));
  ExpectWireSafe<A>(s);
}

TEST(TotalityTest, AnyEventsAreTakenInAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    AnyEventsInAnyOrder<Beneficiary>(seed);
    AnyEventsInAnyOrder<Client>(seed);
  }
}

void AnyCommandOnAnyState(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  BeneficiarySpec spec;
  for (int i = 0; i < 15; ++i) {
    const auto event = Anything<Beneficiary::Event>(random);
    spec.Given(std::vector<Beneficiary::Event>{event});
  }
  Validate(spec.state());
  for (int i = 0; i < 15; ++i) {
    const auto command = Anything<Beneficiary::Command>(random);
    std::visit([&](const auto& c) { spec.At(i).When(c); }, command);
  }
  Validate(spec.state());
}

TEST(TotalityTest, AnyCommandIsDecidedInAnyState) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) AnyCommandOnAnyState(seed);
}

// ---- what the API's commands keep

Beneficiary::Command AnyApiCommand(Random& random, const State& s) {
  static const std::vector<std::string> kAccounts = {
      "currency: 'EUR' iban: 'ES9121000418450200051332' bank { country_code: 'ES' }",
      "currency: 'EUR' iban: 'DE89370400440532013000' is_default: true",
      "currency: 'CNY' account_number: '1' bank { country_code: 'CN' }",
      "currency: 'AUD' bank_identifier: '062000' bank_identifier_type: 'bsb' account_number: '1' "
      "bank { country_code: 'AU' } is_default: true",
      "currency: 'USD' bank_identifier: '021000022'"};
  const std::string account =
      s.bank_accounts().empty() || random.OneIn(9) ? "?" : s.bank_accounts(random.Below(s.bank_accounts_size())).id();
  const std::string text = random.Of(std::vector<std::string>{"", "a", "b", "c", "_", "EUR", "ES"});
  const auto of_account = [&](auto c) {
    c.set_account_id(account);
    return c;
  };
  switch (random.Below(14)) {
    case 0:
      return Make<commands::v1::AmendBeneficiary>("name: '" + text + "'");
    case 1:
      return Make<commands::v1::AmendBeneficiary>("purpose_code: '" + text + "' reason_for_trade: '" + text + "'");
    case 2:
      return Make<commands::v1::AmendBeneficiary>(random.OneIn(3) ? "address { remove: true }"
                                                                  : "address { city: '" + text + "' }");
    case 3:
      return Make<commands::v1::AmendBeneficiary>("email_addresses { email_addresses: '" + text + "@x.y' }");
    case 4:
      return Make<commands::v1::AddAlias>("alias: '" + text + "'");
    case 5:
      return Make<commands::v1::RemoveAlias>("alias: '" + text + "'");
    case 6:
    case 7:
      return Make<commands::v1::AddBankAccount>(Quoted("bank_account", random.Of(kAccounts)));
    case 8: {
      auto c = of_account(commands::v1::AmendBankAccount());
      random.OneIn(2) ? c.set_active(random.OneIn(2)) : c.set_currency(text);
      return c;
    }
    case 9:
      return of_account(commands::v1::RemoveBankAccount());
    case 10:
      return of_account(commands::v1::MakeBankAccountDefault());
    case 11:
      return commands::v1::ActivateBeneficiary();
    case 12:
      return commands::v1::DeactivateBeneficiary();
    default:
      if (s.removed() || random.OneIn(2)) return commands::v1::RestoreBeneficiary();
      return commands::v1::RemoveBeneficiary();
  }
}

void ExpectSound(const State& s) {
  EXPECT_TRUE(Validate(s).empty());
  int defaults = 0;
  int active = 0;
  for (const auto& account : s.bank_accounts()) {
    defaults += account.is_default() ? 1 : 0;
    active += account.active() ? 1 : 0;
  }
  EXPECT_LE(defaults, 1);
  EXPECT_TRUE(active > 0 || !s.active());
  std::set<std::string> aliases;
  for (const auto& alias : s.aliases()) EXPECT_TRUE(aliases.insert(alias.alias()).second) << alias.alias();
}

void ApiCommandsKeepItSound(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  BeneficiarySpec spec;
  spec.Given(RegisteredHere());
  for (int i = 0; i < 60; ++i) {
    const auto command = AnyApiCommand(random, spec.state());
    spec.WithCommandId(daybook::testing::NumberedCommandId(static_cast<std::uint64_t>(i) + 1)).At(i);
    std::visit([&](const auto& c) { spec.When(c); }, command);
    const bool removes = std::holds_alternative<commands::v1::RemoveBankAccount>(command);  // then it is not found
    if (!spec.decision().rejected() && !removes) spec.ThenRetryIsUnchanged();
    ExpectSound(spec.state());
  }
}

TEST(SoundnessTest, WhatTheApiBuiltStaysValidWithOneDefaultAndActiveOnlyWithAnActiveAccount) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) ApiCommandsKeepItSound(seed);
}

}  // namespace
}  // namespace beneficiary
