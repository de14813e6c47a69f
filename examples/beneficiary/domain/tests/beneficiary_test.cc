// What the API's commands decide, one sentence of the contract a test.
#include "beneficiary/domain/beneficiary.h"

#include <gtest/gtest.h>

#include "beneficiary/domain/tests/builders.h"

namespace beneficiary {
namespace {

using namespace commands::v1;  // NOLINT: the tests read as sentences
using namespace events::v1;    // NOLINT
using daybook::testing::FakeIds;
using daybook::testing::NumberedCommandId;

constexpr std::string_view kStreamKey = "00000000-0000-7000-8000-000000000009";
constexpr std::string_view kFirstAccountId = "20066f84-516f-5fa3-b398-b508c186e3f1";   // of command 1, index 0
constexpr std::string_view kSecondAccountId = "b1f34720-ec02-5bbd-9d85-9299044d4dd7";  // of command 1, index 1

BeneficiaryDeactivated Deactivated(std::string_view reason, std::int64_t at_us) {
  BeneficiaryDeactivated e;
  e.set_reason(std::string(reason));
  e.set_updated_at_us(at_us);
  return e;
}

template <class E>
E At(std::int64_t at_us) {
  E e;
  e.set_updated_at_us(at_us);
  return e;
}

template <class C>
C OfAccount(std::string_view id) {
  C c;
  c.set_account_id(std::string(id));
  return c;
}

template <class M>
M WithAlias(std::string_view text) {
  M m;
  m.set_alias(std::string(text));
  return m;
}

AliasAdded AddedAlias(std::string_view text) {
  AliasAdded e;
  e.mutable_alias()->set_alias(std::string(text));
  return e;
}

// ---- registering

RegisterBeneficiary RegisterAcme(std::string_view rest = "") {
  return Make<RegisterBeneficiary>(R"(client_id: "EBPCLI000042" details { name: "Acme" type: ENTITY_TYPE_BUSINESS } )" +
                                   std::string(rest));
}

TEST(RegisterSpec, WithoutAnAccountItIsInactive) {
  auto expected = Make<BeneficiaryRegistered>(
      R"(client_id: "EBPCLI000042" details { name: "Acme" type: ENTITY_TYPE_BUSINESS }
         screening { status: SCREENING_STATUS_PENDING } origin { system: "daybook" }
         created_at_us: 1700000 updated_at_us: 1700000)");
  expected.set_id(std::string(kStreamKey));
  expected.mutable_origin()->set_id(std::string(kStreamKey));
  BeneficiarySpec().At(1700).When(RegisterAcme()).Then(expected).ThenState([](const Beneficiary::State& s) {
    return !s.active() && !s.removed() && s.id() == kStreamKey && s.updated_at_us() == 1700000 && !s.has_address() &&
           !s.has_regulatory() && !s.has_bos_image() && !s.screening().has_checked_at_us();
  });
}

TEST(RegisterSpec, WithAnAccountItIsActiveAndTheAccountsIdComesFromTheCommand) {
  BeneficiarySpec()
      .When(RegisterAcme(Quoted("bank_accounts", kAccountA) + Quoted("bank_accounts", kAccountB)))
      .ThenState([](const Beneficiary::State& s) {
        return s.active() && s.bank_accounts_size() == 2 && s.bank_accounts(0).id() == kFirstAccountId &&
               s.bank_accounts(1).id() == kSecondAccountId && s.bank_accounts(0).active() &&
               s.bank_accounts(0).bank().name() == "CaixaBank" && !s.bank_accounts(0).is_default();
      });
}

TEST(RegisterSpec, ALegacyIdAndTheActiveFlagOfTheCallerAreIgnored) {
  BeneficiarySpec()
      .When(RegisterAcme(R"(bank_accounts { legacy_id: "7" active: false currency: "EUR"
                                            iban: "DE89370400440532013000" })"))
      .ThenState([](const Beneficiary::State& s) {
        return s.bank_accounts(0).legacy_id().empty() && s.bank_accounts(0).active();
      });
}

TEST(RegisterSpec, OfSeveralDefaultsTheLastStays) {
  BeneficiarySpec()
      .When(RegisterAcme(Quoted("bank_accounts", std::string(kAccountA) + "is_default: true") +
                         Quoted("bank_accounts", std::string(kAccountB) + "is_default: true")))
      .ThenState([](const Beneficiary::State& s) {
        return !s.bank_accounts(0).is_default() && s.bank_accounts(1).is_default();
      });
}

TEST(RegisterSpec, EqualAliasesAreOneAndEqualEmailsAreTwo) {
  BeneficiarySpec()
      .When(RegisterAcme(R"(aliases: "a" aliases: "b" aliases: "a" email_addresses: "x@y.z" email_addresses: "x@y.z")"))
      .ThenState([](const Beneficiary::State& s) {
        return s.aliases_size() == 2 && s.aliases(1).alias() == "b" && s.emails_size() == 2;
      });
}

TEST(RegisterSpec, EveryPartIsKept) {
  BeneficiarySpec()
      .When(RegisterAcme(R"(address { city: "Madrid" country_code: "ES" } regulatory { inn: "1" vo: "2" })"))
      .ThenState([](const Beneficiary::State& s) {
        return s.address().city() == "Madrid" && s.regulatory().inn() == "1" && s.regulatory().vo() == "2";
      });
}

TEST(RegisterSpec, ARegisteredOneIsNotRegisteredAgain) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .When(RegisterAcme())
      .ThenRejected(Code::kAlreadyExists, "ALREADY_REGISTERED");
  BeneficiarySpec()
      .Given(RegisteredHere(), At<BeneficiaryRemoved>(5))
      .When(RegisterAcme())
      .ThenRejected(Code::kAlreadyExists, "ALREADY_REGISTERED");
}

TEST(RegisterSpec, APurgedOneBeginsAnew) {
  BeneficiarySpec()
      .Given(RegisteredHere("removed: true aliases { alias: 'old' }"), BeneficiaryPurged())
      .When(RegisterAcme())
      .ThenState([](const Beneficiary::State& s) {
        return s.lifecycle() == Beneficiary::State::LIFECYCLE_REGISTERED && s.aliases().empty() && !s.removed();
      });
}

TEST(RegisterSpec, AllViolationsAreNamedAtOnce) {
  BeneficiarySpec()
      .When(Make<RegisterBeneficiary>(
          R"(client_id: "42" details { name: "" } aliases: "" email_addresses: "nobody" address { country_code: "XX" }
             bank_accounts { currency: "EUR" iban: "ES9221000418450200051332" bank { country_code: "ES" }
                             swift_code: "DEUTDEFF" })"))
      .ThenRejected(Code::kInvalidArgument, "VALIDATION_FAILED",
                    {"/client_id", "/name", "/type", "/aliases/0", "/email_addresses/0", "/address/country_code",
                     "/bank_accounts/0/iban", "/bank_accounts/0/swift_code"});
}

// ---- guards that all writes share

// Every command of the API but RegisterBeneficiary.
const std::vector<Beneficiary::Command>& Writes() {
  static const auto& all =
      *new std::vector<Beneficiary::Command>{Make<AmendBeneficiary>("name: 'n'"),
                                             WithAlias<AddAlias>("n"),
                                             WithAlias<RemoveAlias>("n"),
                                             Make<AddBankAccount>(Quoted("bank_account", kAccountB)),
                                             OfAccount<AmendBankAccount>("a"),
                                             OfAccount<RemoveBankAccount>("a"),
                                             OfAccount<MakeBankAccountDefault>("a"),
                                             ActivateBeneficiary(),
                                             DeactivateBeneficiary(),
                                             Make<RecordScreeningResult>("status: SCREENING_STATUS_CLEAR"),
                                             RemoveBeneficiary(),
                                             RestoreBeneficiary()};
  return all;
}

TEST(GuardSpec, ANeverRegisteredOneIsNotFound) {
  for (const auto& command : Writes()) {
    std::visit([](const auto& c) { BeneficiarySpec().When(c).ThenRejected(Code::kNotFound, "NOT_REGISTERED"); },
               command);
  }
}

TEST(GuardSpec, APurgedOneIsNotFound) {
  for (const auto& command : Writes()) {
    std::visit(
        [](const auto& c) {
          BeneficiarySpec()
              .Given(RegisteredHere(), BeneficiaryPurged())
              .When(c)
              .ThenRejected(Code::kNotFound, "NOT_REGISTERED");
        },
        command);
  }
}

TEST(GuardSpec, ARemovedOneIsOnlyRemovedAgainOrRestored) {
  for (const auto& command : Writes()) {
    std::visit(
        [](const auto& c) {
          using C = std::remove_cvref_t<decltype(c)>;
          if constexpr (std::is_same_v<C, RemoveBeneficiary> || std::is_same_v<C, RestoreBeneficiary>) return;
          BeneficiarySpec()
              .Given(RegisteredHere(), At<BeneficiaryRemoved>(5))
              .When(c)
              .ThenRejected(Code::kFailedPrecondition, "REMOVED");
        },
        command);
  }
}

// ---- amending

TEST(AmendSpec, TheGivenFieldsChangeAndTheOthersStay) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .At(2)
      .When(Make<AmendBeneficiary>("name: 'Acme Ltd' email_notification: true purpose_code: 'GDS'"))
      .Then(Make<DetailsAmended>(
          R"(details { name: "Acme Ltd" type: ENTITY_TYPE_BUSINESS email_notification: true purpose_code: "GDS" }
             changed: "name" changed: "purpose_code" changed: "email_notification" updated_at_us: 2000)"))
      .ThenState([](const Beneficiary::State& s) { return s.updated_at_us() == 2000 && s.created_at_us() == 1000; })
      .ThenRetryIsUnchanged();
}

TEST(AmendSpec, EmptyTextClearsAField) {
  BeneficiarySpec()
      .Given(RegisteredHere(), Make<DetailsAmended>("details { name: 'Acme' type: ENTITY_TYPE_PERSONAL "
                                                    "reason_for_trade: 'rent' reference_information: 'r' }"))
      .When(Make<AmendBeneficiary>("reason_for_trade: '' type: ENTITY_TYPE_BUSINESS"))
      .Then(Make<DetailsAmended>("details { name: 'Acme' type: ENTITY_TYPE_BUSINESS reference_information: 'r' } "
                                 "changed: 'reason_for_trade' changed: 'type'"))
      .ThenRetryIsUnchanged();
}

TEST(AmendSpec, NothingNewIsUnchanged) {
  BeneficiarySpec().Given(RegisteredHere()).When(AmendBeneficiary()).ThenNothing();
  BeneficiarySpec().Given(RegisteredHere()).When(Make<AmendBeneficiary>("name: 'Acme'")).ThenNothing();
  BeneficiarySpec().Given(RegisteredHere()).When(Make<AmendBeneficiary>("address { remove: true }")).ThenNothing();
  BeneficiarySpec().Given(RegisteredHere()).When(Make<AmendBeneficiary>("regulatory { remove: true }")).ThenNothing();
  BeneficiarySpec().Given(RegisteredHere()).When(Make<AmendBeneficiary>("email_addresses {}")).ThenNothing();
}

TEST(AmendSpec, AnAddressIsPatchedFieldByFieldAndDoesNotMoveUpdatedAt) {
  BeneficiarySpec()
      .Given(RegisteredHere("address { city: 'Madrid' floor: '2' country_code: 'ES' }"))
      .At(2)
      .When(Make<AmendBeneficiary>("address { floor: '' street_name: 'C. de Sevilla' }"))
      .Then(Make<AddressChanged>("address { city: 'Madrid' street_name: 'C. de Sevilla' country_code: 'ES' } "
                                 "changed: 'street_name' changed: 'floor'"))
      .ThenState([](const Beneficiary::State& s) { return s.updated_at_us() == 1000; })
      .ThenRetryIsUnchanged();
}

TEST(AmendSpec, AnAddressIsCreatedAndRemoved) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .When(Make<AmendBeneficiary>("address { city: 'Madrid' }"))
      .Then(Make<AddressChanged>("address { city: 'Madrid' } changed: 'city'"))
      .ThenRetryIsUnchanged()
      .When(Make<AmendBeneficiary>("address { remove: true }"))
      .Then(Make<AddressChanged>("changed: 'city'"))
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) { return !s.has_address(); });
}

TEST(AmendSpec, EveryFieldOfAnAddressCanBePatched) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .When(Make<AmendBeneficiary>(
          "address { address_line_1: '1' street_name: '2' building_number: '3' floor: '4' apartment_office_number: '5' "
          "city: '6' state_region: '7' post_code: '8' country_code: 'ES' }"))
      .ThenState([](const Beneficiary::State& s) {
        return s.address().SerializeAsString() ==
               Make<types::v1::Address>(
                   "address_line_1: '1' street_name: '2' building_number: '3' floor: '4' "
                   "apartment_office_number: '5' city: '6' state_region: '7' post_code: '8' "
                   "country_code: 'ES'")
                   .SerializeAsString();
      });
}

TEST(AmendSpec, RegulatoryDetailsArePatchedCreatedAndRemoved) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .When(Make<AmendBeneficiary>("regulatory { inn: '1' kpp: '2' kio: '3' kbk: '4' vo: '5' "
                                   "russian_central_bank_account: '6' }"))
      .Then(Make<RegulatoryDetailsChanged>(
          "regulatory { inn: '1' kpp: '2' kio: '3' kbk: '4' vo: '5' russian_central_bank_account: '6' } "
          "changed: 'inn' changed: 'kpp' changed: 'kio' changed: 'kbk' changed: 'vo' "
          "changed: 'russian_central_bank_account'"))
      .When(Make<AmendBeneficiary>("regulatory { inn: '' }"))
      .Then(Make<RegulatoryDetailsChanged>(
          "regulatory { kpp: '2' kio: '3' kbk: '4' vo: '5' russian_central_bank_account: '6' } changed: 'inn'"))
      .When(Make<AmendBeneficiary>("regulatory { remove: true kpp: 'ignored' }"))
      .Then(Make<RegulatoryDetailsChanged>("changed: 'kpp' changed: 'kio' changed: 'kbk' changed: 'vo' "
                                           "changed: 'russian_central_bank_account'"))
      .ThenState([](const Beneficiary::State& s) { return !s.has_regulatory() && s.updated_at_us() == 1000; });
}

TEST(AmendSpec, EmailsAreReplacedInTheOrderSentAndKeepTheirLegacyIdsWhileInLegacyOrder) {
  const auto given = RegisteredHere(
      "emails { email: 'a@x.y' legacy_id: '1' } emails { email: 'b@x.y' legacy_id: '2' } emails { email: 'c@x.y' }");
  const auto sent = [](std::string_view list) { return Make<AmendBeneficiary>(Quoted("email_addresses", list)); };
  BeneficiarySpec()
      .Given(given)
      .When(sent("email_addresses: 'b@x.y' email_addresses: 'd@x.y' email_addresses: 'a@x.y'"))
      .Then(Make<EmailAddressesChanged>(
          "emails { email: 'b@x.y' legacy_id: '2' } emails { email: 'd@x.y' } emails { email: 'a@x.y' }"))
      .ThenRetryIsUnchanged();
  BeneficiarySpec()
      .Given(given)
      .When(sent("email_addresses: 'a@x.y' email_addresses: 'b@x.y' email_addresses: 'c@x.y'"))
      .ThenNothing();
  BeneficiarySpec().Given(given).When(sent("")).Then(EmailAddressesChanged()).ThenRetryIsUnchanged();
}

TEST(AmendSpec, OneCommandChangesSeveralParts) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .At(2)
      .When(Make<AmendBeneficiary>("name: 'B' address { city: 'C' } email_addresses { email_addresses: 'a@x.y' } "
                                   "regulatory { inn: '1' }"))
      .Then(
          Make<DetailsAmended>("details { name: 'B' type: ENTITY_TYPE_BUSINESS } changed: 'name' updated_at_us: 2000"),
          Make<AddressChanged>("address { city: 'C' } changed: 'city'"),
          Make<EmailAddressesChanged>("emails { email: 'a@x.y' }"),
          Make<RegulatoryDetailsChanged>("regulatory { inn: '1' } changed: 'inn'"))
      .ThenRetryIsUnchanged();
}

TEST(AmendSpec, AFieldThatAnAccountNeedsIsNotCleared) {
  BeneficiarySpec()
      .Given(RegisteredHere(),
             Make<DetailsAmended>("details { name: 'Acme' type: ENTITY_TYPE_BUSINESS "
                                  "purpose_code: 'GDS' }"),
             AccountAdded("id: 'cn' currency: 'CNY' account_number: '1' bank { country_code: 'CN' } active: true"))
      .When(Make<AmendBeneficiary>("purpose_code: ''"))
      .ThenRejected(Code::kInvalidArgument, "VALIDATION_FAILED", {"/purpose_code"});
}

// ---- aliases

TEST(AliasSpec, AnAliasIsAddedBehindTheOthersOnce) {
  BeneficiarySpec()
      .Given(RegisteredHere("aliases { alias: 'z' legacy_id: '9' }"))
      .At(2)
      .When(WithAlias<AddAlias>("a"))
      .Then(AddedAlias("a"))
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) {
        return s.aliases(0).alias() == "z" && s.aliases(1).alias() == "a" && s.updated_at_us() == 1000;
      });
}

TEST(AliasSpec, AnAliasIsRemovedWithItsLegacyIdOnce) {
  BeneficiarySpec()
      .Given(RegisteredHere("aliases { alias: 'z' legacy_id: '9' }"))
      .When(WithAlias<RemoveAlias>("z"))
      .Then(Make<AliasRemoved>("alias { alias: 'z' legacy_id: '9' }"))
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) { return s.aliases().empty(); });
}

TEST(AliasSpec, AnUnknownAliasIsRemovedWithoutAnError) {
  BeneficiarySpec().Given(RegisteredHere()).When(WithAlias<RemoveAlias>("z")).ThenNothing();
}

TEST(AliasSpec, ABlankOrTooLongAliasIsRefused) {
  for (const std::string& alias : {std::string(), std::string("  "), std::string(71, 'a')}) {
    BeneficiarySpec()
        .Given(RegisteredHere("aliases { alias: 'z' }"))
        .When(WithAlias<AddAlias>(alias))
        .ThenRejected(Code::kInvalidArgument, "VALIDATION_FAILED", {"/aliases/1"});
  }
}

TEST(AliasSpec, AnAliasRemovedAndAddedAgainComesLast) {
  BeneficiarySpec()
      .Given(RegisteredHere("aliases { alias: 'a' legacy_id: '1' } aliases { alias: 'b' legacy_id: '2' }"),
             Make<AliasRemoved>("alias { alias: 'a' legacy_id: '1' }"))
      .When(WithAlias<AddAlias>("a"))
      .Then(AddedAlias("a"))
      .ThenState([](const Beneficiary::State& s) { return s.aliases(1).alias() == "a"; });
}

// ---- bank accounts

AddBankAccount Adding(std::string_view account) { return Make<AddBankAccount>(Quoted("bank_account", account)); }

std::string WithId(std::string_view account, std::string_view id) {
  return std::string(account) + " id: \"" + std::string(id) + "\" ";
}

TEST(BankAccountSpec, AnAccountIsAddedActiveWithAnIdFromTheCommand) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .At(2)
      .When(Adding("legacy_id: '7' currency: 'EUR' iban: 'DE89370400440532013000'"))
      .Then(AccountAdded(WithId("currency: 'EUR' iban: 'DE89370400440532013000' active: true", kFirstAccountId)))
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) { return s.bank_accounts_size() == 2 && s.updated_at_us() == 1000; });
}

TEST(BankAccountSpec, AnotherCommandAddsAnotherAccount) {
  const auto other =
      BeneficiarySpec().Given(RegisteredHere()).WithCommandId(NumberedCommandId(2)).When(Adding(kAccountB));
  EXPECT_NE(other.state().bank_accounts(1).id(), kFirstAccountId);
}

TEST(BankAccountSpec, AnAccountAddedAsTheDefaultClearsTheOthers) {
  BankAccountMadeDefault made;
  made.set_account_id(std::string(kFirstAccountId));
  BankAccountMadeDefault before;
  before.set_account_id("a");
  BeneficiarySpec()
      .Given(RegisteredHere(), before)
      .When(Adding("currency: 'EUR' iban: 'DE89370400440532013000' is_default: true"))
      .Then(AccountAdded(WithId("currency: 'EUR' iban: 'DE89370400440532013000' active: true", kFirstAccountId)), made)
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) {
        return !s.bank_accounts(0).is_default() && s.bank_accounts(1).is_default();
      });
}

TEST(BankAccountSpec, AddingAnAccountDoesNotActivateTheBeneficiary) {
  BeneficiarySpec()
      .Given(RegisteredHere(), Deactivated("REQUESTED", 2))
      .When(Adding(kAccountB))
      .ThenState([](const Beneficiary::State& s) { return !s.active(); });
}

TEST(BankAccountSpec, AWrongAccountIsRefusedWithItsPlace) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .When(Adding("currency: 'USD' bank_identifier: '021000022' bank { country_code: 'US' }"))
      .ThenRejected(Code::kInvalidArgument, "VALIDATION_FAILED",
                    {"/bank_accounts/1/bank_identifier", "/bank_accounts/1/bank_identifier_type",
                     "/bank_accounts/1/account_number"});
}

TEST(BankAccountSpec, TheGivenFieldsOfAnAccountChange) {
  auto c = Make<AmendBankAccount>(R"(account_id: "a" account_holder: "Acme" bank_name: "Caixa" swift_code: ""
                                     correspondent_swift_code: "DEUTDEFF" correspondent_account: "1")");
  BeneficiarySpec()
      .Given(RegisteredHere())
      .At(2)
      .When(c)
      .Then(Make<BankAccountAmended>(
          R"(bank_account { id: "a" account_holder: "Acme" currency: "EUR" iban: "ES9121000418450200051332"
                            bank { name: "Caixa" country_code: "ES" } correspondent_swift_code: "DEUTDEFF"
                            correspondent_account: "1" active: true }
             changed: "account_holder" changed: "correspondent_swift_code" changed: "correspondent_account"
             changed: "swift_code" changed: "bank.name")"))
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) { return s.updated_at_us() == 1000; });
}

TEST(BankAccountSpec, EveryFieldOfAnAccountCanBeAmended) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .When(Make<AmendBankAccount>(
          R"(account_id: "a" account_holder: "h" currency: "USD" iban: "" account_number: "12"
             bank_identifier: "021000021" bank_identifier_type: "aba" swift_code: "CHASUS33" bank_name: "n"
             bank_country_code: "US" bank_address_line_1: "l" correspondent_swift_code: "DEUTDEFF"
             correspondent_account: "c" active: true)"))
      .ThenState([](const Beneficiary::State& s) {
        return s.bank_accounts(0).SerializeAsString() ==
               Make<types::v1::BankAccount>(
                   R"(id: "a" account_holder: "h" currency: "USD" account_number: "12" bank_identifier: "021000021"
                      bank_identifier_type: "aba" swift_code: "CHASUS33"
                      bank { name: "n" country_code: "US" address_line_1: "l" }
                      correspondent_swift_code: "DEUTDEFF" correspondent_account: "c" active: true)")
                   .SerializeAsString();
      });
}

TEST(BankAccountSpec, AnUnknownAccountIsNotFound) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .When(OfAccount<AmendBankAccount>("?"))
      .ThenRejected(Code::kNotFound, "BANK_ACCOUNT_NOT_FOUND");
  BeneficiarySpec()
      .Given(RegisteredHere())
      .When(OfAccount<RemoveBankAccount>("?"))
      .ThenRejected(Code::kNotFound, "BANK_ACCOUNT_NOT_FOUND");
  BeneficiarySpec()
      .Given(RegisteredHere())
      .When(OfAccount<MakeBankAccountDefault>("?"))
      .ThenRejected(Code::kNotFound, "BANK_ACCOUNT_NOT_FOUND");
}

BankAccountRemoved Removed(std::string_view id) {
  BankAccountRemoved e;
  e.set_account_id(std::string(id));
  return e;
}

TEST(BankAccountSpec, RemovingOneOfTwoAccountsIsOneEvent) {
  BeneficiarySpec()
      .Given(RegisteredHere(), AccountAdded(kAccountB))
      .At(2)
      .When(OfAccount<RemoveBankAccount>("a"))
      .Then(Removed("a"))
      .ThenState([](const Beneficiary::State& s) { return s.active() && s.bank_accounts_size() == 1; });
}

TEST(BankAccountSpec, RemovingTheLastActiveAccountMakesTheBeneficiaryInactive) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .At(2)
      .When(OfAccount<RemoveBankAccount>("a"))
      .Then(Removed("a"), Deactivated("NO_ACTIVE_BANK_ACCOUNT", 2000));
  BeneficiarySpec()
      .Given(RegisteredHere(), AccountAdded("id: 'b' currency: 'EUR' iban: 'DE89370400440532013000'"))  // inactive
      .At(2)
      .When(OfAccount<RemoveBankAccount>("a"))
      .Then(Removed("a"), Deactivated("NO_ACTIVE_BANK_ACCOUNT", 2000));
}

TEST(BankAccountSpec, RemovingAnInactiveAccountOrFromAnInactiveBeneficiaryDeactivatesNothing) {
  BeneficiarySpec()
      .Given(RegisteredHere(), AccountAdded("id: 'b' currency: 'EUR' iban: 'DE89370400440532013000'"))
      .When(OfAccount<RemoveBankAccount>("b"))
      .Then(Removed("b"));
  BeneficiarySpec()
      .Given(RegisteredHere(), Deactivated("REQUESTED", 2))
      .When(OfAccount<RemoveBankAccount>("a"))
      .Then(Removed("a"));
}

TEST(BankAccountSpec, AmendingTheLastActiveAccountToInactiveMakesTheBeneficiaryInactive) {
  auto c = OfAccount<AmendBankAccount>("a");
  c.set_active(false);
  const auto d = BeneficiarySpec().Given(RegisteredHere()).At(2).When(c).decision();
  ASSERT_TRUE(d.emits());
  ASSERT_EQ(d.events().size(), 2u);
  EXPECT_EQ(std::get<BankAccountAmended>(d.events()[0]).changed(0), "active");
  EXPECT_EQ(std::get<BeneficiaryDeactivated>(d.events()[1]).reason(), "NO_ACTIVE_BANK_ACCOUNT");
}

TEST(BankAccountSpec, MakingOneTheDefaultClearsTheOthers) {
  BankAccountMadeDefault made;
  made.set_account_id("b");
  BeneficiarySpec()
      .Given(RegisteredHere(), AccountAdded(std::string(kAccountB)),
             AccountAdded("id: 'c' currency: 'EUR' iban: 'DE89370400440532013000' is_default: true"))
      .At(2)
      .When(OfAccount<MakeBankAccountDefault>("b"))
      .Then(made)
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) {
        return !s.bank_accounts(0).is_default() && s.bank_accounts(1).is_default() &&
               !s.bank_accounts(2).is_default() && s.updated_at_us() == 1000;
      });
}

// ---- status

TEST(StatusSpec, ActivatingAndDeactivatingMoveUpdatedAt) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .At(2)
      .When(DeactivateBeneficiary())
      .Then(Deactivated("REQUESTED", 2000))
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) { return !s.active() && s.updated_at_us() == 2000; })
      .At(3)
      .When(ActivateBeneficiary())
      .Then(At<BeneficiaryActivated>(3000))
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) { return s.active() && s.updated_at_us() == 3000; });
}

TEST(StatusSpec, ActivatingNeedsAnActiveAccount) {
  BeneficiarySpec()
      .Given(RegisteredHere(), Removed("a"), Deactivated("NO_ACTIVE_BANK_ACCOUNT", 2))
      .When(ActivateBeneficiary())
      .ThenRejected(Code::kFailedPrecondition, "NO_ACTIVE_BANK_ACCOUNT");
  BeneficiarySpec()
      .Given(RegisteredHere(), Removed("a"), Deactivated("NO_ACTIVE_BANK_ACCOUNT", 2),
             AccountAdded("id: 'b' currency: 'EUR'"))
      .When(ActivateBeneficiary())
      .ThenRejected(Code::kFailedPrecondition, "NO_ACTIVE_BANK_ACCOUNT");
}

TEST(StatusSpec, RemovingIsRepeatableAndRestoringUndoesIt) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .At(2)
      .When(RemoveBeneficiary())
      .Then(At<BeneficiaryRemoved>(2000))
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) { return s.removed() && s.active() && s.updated_at_us() == 2000; })
      .At(3)
      .When(RestoreBeneficiary())
      .Then(At<BeneficiaryRestored>(3000))
      .ThenRetryIsUnchanged()
      .ThenState([](const Beneficiary::State& s) { return !s.removed() && s.active(); });
  BeneficiarySpec().Given(RegisteredHere()).When(RestoreBeneficiary()).ThenNothing();
}

// ---- screening

TEST(ScreeningSpec, AResultIsRecordedWithItsTime) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .At(2)
      .When(Make<RecordScreeningResult>("status: SCREENING_STATUS_CLEAR checked_at_us: 1500"))
      .Then(Make<ScreeningResultRecorded>("screening { status: SCREENING_STATUS_CLEAR checked_at_us: 1500 } "
                                          "updated_at_us: 2000"))
      .ThenRetryIsUnchanged();
}

TEST(ScreeningSpec, TheSameResultLaterIsANewCheck) {
  BeneficiarySpec()
      .Given(RegisteredHere(), Make<ScreeningResultRecorded>("screening { status: SCREENING_STATUS_CLEAR "
                                                             "checked_at_us: 1500 }"))
      .At(2)
      .When(Make<RecordScreeningResult>("status: SCREENING_STATUS_CLEAR checked_at_us: 1600"))
      .Then(Make<ScreeningResultRecorded>("screening { status: SCREENING_STATUS_CLEAR checked_at_us: 1600 } "
                                          "updated_at_us: 2000"));
}

TEST(ScreeningSpec, TheFirstMomentOf1970IsATimeLikeAnyOther) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .At(2)
      .When(Make<RecordScreeningResult>("status: SCREENING_STATUS_CLEAR checked_at_us: 0"))
      .Then(Make<ScreeningResultRecorded>("screening { status: SCREENING_STATUS_CLEAR checked_at_us: 0 } "
                                          "updated_at_us: 2000"));
}

TEST(ScreeningSpec, AResultWithoutATimeIsOfNow) {
  BeneficiarySpec()
      .Given(RegisteredHere())
      .At(2)
      .When(Make<RecordScreeningResult>("status: SCREENING_STATUS_BLOCKED"))
      .Then(Make<ScreeningResultRecorded>("screening { status: SCREENING_STATUS_BLOCKED checked_at_us: 2000 } "
                                          "updated_at_us: 2000"));
}

TEST(ScreeningSpec, NoResultIsRefused) {
  for (const int status : {0, 4, 99}) {
    RecordScreeningResult c;
    c.set_status(static_cast<types::v1::ScreeningStatus>(status));
    BeneficiarySpec()
        .Given(RegisteredHere())
        .When(c)
        .ThenRejected(Code::kInvalidArgument, "VALIDATION_FAILED", {"/screening/status"});
  }
}

}  // namespace
}  // namespace beneficiary
