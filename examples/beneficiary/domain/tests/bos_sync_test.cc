// What SyncFromBos and ForgetFromBos decide: the difference to the last image, over what was changed here.
#include <gtest/gtest.h>

#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/tests/builders.h"

namespace beneficiary {
namespace {

using namespace events::v1;  // NOLINT: the tests read as sentences
using commands::v1::ForgetFromBos;
using commands::v1::SyncFromBos;
using types::v1::BosImage;
using State = Beneficiary::State;

constexpr std::string_view kImage =
    R"(client_id: "EBPCLI000042"
       details { name: "Acme" type: ENTITY_TYPE_BUSINESS reference_information: "Invoice" reason_for_trade: "rent" }
       active: true screening_status: SCREENING_STATUS_PENDING
       address { city: "Madrid" street_name: "C. de Sevilla" country_code: "ES" }
       aliases { alias: "a" legacy_id: "1" } aliases { alias: "b" legacy_id: "2" }
       emails { email: "e@x.y" legacy_id: "5" } emails { email: "e@x.y" legacy_id: "10" }
       bank_accounts { id: "acc-7" legacy_id: "7" currency: "EUR" iban: "ES91" swift_code: "CAIXESBBXXX"
                       bank { name: "CaixaBank" country_code: "ES" } is_default: true active: true }
       bank_accounts { id: "acc-30" legacy_id: "30" currency: "USD" account_number: "1" daily_limit: "10.5000"
                       bank { name: "Chase" country_code: "US" } active: true }
       regulatory { inn: "1" kpp: "2" } created_at_us: 100 updated_at_us: 200 )";

BosImage Image(std::string_view changes = "") { return Make<BosImage>(std::string(kImage) + std::string(changes)); }

SyncFromBos Sync(const BosImage& image) {
  SyncFromBos c;
  c.set_instance("uk");
  c.set_legacy_id("1234");
  *c.mutable_image() = image;
  return c;
}

SyncedFromBos Synced(const BosImage& image, std::int64_t updated_at_us) {
  SyncedFromBos e;
  *e.mutable_image() = image;
  e.set_updated_at_us(updated_at_us);
  return e;
}

// The events of the first sync with kImage.
std::vector<Beneficiary::Event> FirstSync() {
  auto spec = BeneficiarySpec();
  return spec.On("id-1").When(Sync(Image())).decision().events();
}

BeneficiarySpec AfterFirstSync(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  BeneficiarySpec spec(file, line);
  spec.On("id-1").Given(FirstSync());
  return spec;
}

// ---- beginning

TEST(SyncSpec, TheFirstImageRegistersTheBeneficiaryWhole) {
  const BosImage image = Image();
  auto expected = Make<BeneficiaryRegistered>(
      R"(id: "id-1" client_id: "EBPCLI000042" screening { status: SCREENING_STATUS_PENDING } active: true
         origin { system: "bos" instance: "uk" id: "1234" } created_at_us: 100 updated_at_us: 200)");
  *expected.mutable_details() = image.details();
  *expected.mutable_address() = image.address();
  *expected.mutable_aliases() = image.aliases();
  *expected.mutable_emails() = image.emails();
  *expected.mutable_bank_accounts() = image.bank_accounts();
  *expected.mutable_regulatory() = image.regulatory();
  BeneficiarySpec().On("id-1").At(9).When(Sync(image)).Then(expected, Synced(image, 200)).ThenRetryIsUnchanged();
}

TEST(SyncSpec, TheFirstImageMayBeRemovedAlready) {
  BeneficiarySpec().When(Sync(Image("deleted: true active: false"))).ThenState([](const State& s) {
    return s.removed() && !s.active();
  });
}

TEST(SyncSpec, AnEmptyImageRegistersToo) {
  BeneficiarySpec().When(Sync(BosImage())).ThenRetryIsUnchanged().ThenState([](const State& s) {
    return s.lifecycle() == State::LIFECYCLE_REGISTERED && s.has_bos_image();
  });
}

TEST(SyncSpec, LegacyDataThatBreaksRulesIsAccepted) {
  BeneficiarySpec()
      .When(Sync(Image("details { name: '' } bank_accounts { iban: '?' currency: 'x' }")))
      .ThenState([](const State& s) { return s.bank_accounts_size() == 3; });
}

TEST(SyncSpec, AnEqualImageIsUnchanged) { AfterFirstSync().When(Sync(Image())).ThenNothing(); }

// ---- each part that BOS can change

TEST(SyncSpec, DetailsAreAmendedWithTheRowsTime) {
  const BosImage image = Image("details { name: 'Acme SL' reason_for_trade: '' } updated_at_us: 300");
  AfterFirstSync()
      .At(9)
      .When(Sync(image))
      .Then(Make<DetailsAmended>(
                "details { name: 'Acme SL' type: ENTITY_TYPE_BUSINESS reference_information: 'Invoice' } "
                "changed: 'name' changed: 'reason_for_trade' updated_at_us: 300"),
            Synced(image, 300))
      .ThenRetryIsUnchanged()
      .ThenState([](const State& s) { return s.updated_at_us() == 300; });
}

TEST(SyncSpec, TypeAndEmailNotificationAreDetailsToo) {
  const BosImage image = Image("details { type: ENTITY_TYPE_PERSONAL email_notification: true }");
  AfterFirstSync()
      .When(Sync(image))
      .Then(Make<DetailsAmended>("details { name: 'Acme' type: ENTITY_TYPE_PERSONAL email_notification: true "
                                 "reference_information: 'Invoice' reason_for_trade: 'rent' } "
                                 "changed: 'type' changed: 'email_notification' updated_at_us: 200"),
            Synced(image, 200));
}

TEST(SyncSpec, AnotherClientIsAMove) {
  const BosImage image = Image("client_id: 'EBPCLI000043' updated_at_us: 300");
  AfterFirstSync()
      .When(Sync(image))
      .Then(Make<MovedToClient>("client_id: 'EBPCLI000043' previous_client_id: 'EBPCLI000042' updated_at_us: 300"),
            Synced(image, 300))
      .ThenState([](const State& s) { return s.client_id() == "EBPCLI000043"; });
}

TEST(SyncSpec, AnAddressChangesWithoutMovingUpdatedAt) {
  const BosImage image = Image("address { city: 'Toledo' floor: '2' }");
  AfterFirstSync()
      .At(9)
      .When(Sync(image))
      .Then(
          Make<AddressChanged>("address { city: 'Toledo' street_name: 'C. de Sevilla' floor: '2' country_code: 'ES' } "
                               "changed: 'floor' changed: 'city'"),
          Synced(image, 200))
      .ThenState([](const State& s) { return s.updated_at_us() == 200; });
}

TEST(SyncSpec, AnAddressAndRegulatoryDetailsGoAndCome) {
  BosImage without = Image();
  without.clear_address();
  without.clear_regulatory();
  AfterFirstSync()
      .When(Sync(without))
      .Then(Make<AddressChanged>("changed: 'street_name' changed: 'city' changed: 'country_code'"),
            Make<RegulatoryDetailsChanged>("changed: 'inn' changed: 'kpp'"), Synced(without, 200))
      .ThenState([](const State& s) { return !s.has_address() && !s.has_regulatory(); })
      .When(Sync(Image()))
      .Then(Make<AddressChanged>("address { city: 'Madrid' street_name: 'C. de Sevilla' country_code: 'ES' } "
                                 "changed: 'street_name' changed: 'city' changed: 'country_code'"),
            Make<RegulatoryDetailsChanged>("regulatory { inn: '1' kpp: '2' } changed: 'inn' changed: 'kpp'"),
            Synced(Image(), 200));
}

TEST(SyncSpec, ARowOfBlanksIsStillARow) {
  BosImage empty = Image();
  empty.mutable_regulatory()->Clear();
  BosImage none = Image();
  none.clear_regulatory();
  AfterFirstSync()
      .When(Sync(empty))
      .Then(Make<RegulatoryDetailsChanged>("regulatory {} changed: 'inn' changed: 'kpp'"), Synced(empty, 200))
      .When(Sync(none))
      .Then(RegulatoryDetailsChanged(), Synced(none, 200));
}

TEST(SyncSpec, AliasesComeAndGoInLegacyOrder) {
  BosImage image = Image();
  image.clear_aliases();
  *image.add_aliases() = Make<types::v1::Alias>("alias: 'b' legacy_id: '2'");
  *image.add_aliases() = Make<types::v1::Alias>("alias: 'c' legacy_id: '3'");
  AfterFirstSync()
      .When(Sync(image))
      .Then(Make<AliasRemoved>("alias { alias: 'a' legacy_id: '1' }"),
            Make<AliasAdded>("alias { alias: 'c' legacy_id: '3' }"), Synced(image, 200));
}

TEST(SyncSpec, AnAliasInsertedAgainUnderANewKeyMoves) {
  BosImage image = Image();
  image.mutable_aliases()->SwapElements(0, 1);
  image.mutable_aliases(1)->set_legacy_id("3");
  AfterFirstSync()
      .When(Sync(image))
      .Then(Make<AliasRemoved>("alias { alias: 'a' legacy_id: '1' }"),
            Make<AliasAdded>("alias { alias: 'a' legacy_id: '3' }"), Synced(image, 200))
      .ThenState([](const State& s) { return s.aliases(0).alias() == "b" && s.aliases(1).alias() == "a"; });
}

TEST(SyncSpec, ARenamedAliasIsAnotherInTheSamePlace) {
  const BosImage image = [] {
    BosImage i = Image();
    i.mutable_aliases(0)->set_alias("z");
    return i;
  }();
  AfterFirstSync()
      .When(Sync(image))
      .Then(Make<AliasRemoved>("alias { alias: 'a' legacy_id: '1' }"),
            Make<AliasAdded>("alias { alias: 'z' legacy_id: '1' }"), Synced(image, 200))
      .ThenState([](const State& s) { return s.aliases(0).alias() == "z"; });
}

TEST(SyncSpec, OneOfTwoEqualEmailsGoes) {
  BosImage image = Image();
  image.mutable_emails()->DeleteSubrange(0, 1);
  AfterFirstSync()
      .When(Sync(image))
      .Then(Make<EmailAddressesChanged>("emails { email: 'e@x.y' legacy_id: '10' }"), Synced(image, 200));
}

TEST(SyncSpec, AnEmailWithASmallerKeyComesFirst) {
  BosImage image = Image();
  image.clear_emails();
  *image.add_emails() = Make<types::v1::Email>("email: 'f@x.y' legacy_id: '4'");
  *image.add_emails() = Make<types::v1::Email>("email: 'e@x.y' legacy_id: '5'");
  *image.add_emails() = Make<types::v1::Email>("email: 'e@x.y' legacy_id: '10'");
  AfterFirstSync().When(Sync(image)).ThenState([](const State& s) {
    return s.emails_size() == 3 && s.emails(0).email() == "f@x.y";
  });
}

TEST(SyncSpec, AccountsComeGoAndChange) {
  BosImage image = Image();
  image.mutable_bank_accounts()->DeleteSubrange(0, 1);
  image.mutable_bank_accounts(0)->set_account_number("2");
  image.mutable_bank_accounts(0)->mutable_bank()->set_name("JPMorgan");
  image.mutable_bank_accounts(0)->set_is_default(true);
  *image.add_bank_accounts() =
      Make<types::v1::BankAccount>("id: 'acc-31' legacy_id: '31' currency: 'EUR' active: true");
  AfterFirstSync()
      .When(Sync(image))
      .Then(Make<BankAccountRemoved>("account_id: 'acc-7'"),
            Make<BankAccountAmended>(
                R"(bank_account { id: "acc-30" legacy_id: "30" currency: "USD" account_number: "2"
                                  daily_limit: "10.5000" bank { name: "JPMorgan" country_code: "US" }
                                  is_default: true active: true }
                   changed: "account_number" changed: "bank.name" changed: "is_default")"),
            Make<BankAccountAdded>("bank_account { id: 'acc-31' legacy_id: '31' currency: 'EUR' active: true }"),
            Synced(image, 200));
}

TEST(SyncSpec, AnAccountWithASmallerKeyTakesItsPlace) {
  BosImage image = Image();
  *image.add_bank_accounts() = Make<types::v1::BankAccount>("id: 'acc-9' legacy_id: '9'");
  image.mutable_bank_accounts()->SwapElements(1, 2);
  AfterFirstSync().When(Sync(image)).ThenState([](const State& s) {
    return s.bank_accounts_size() == 3 && s.bank_accounts(1).legacy_id() == "9";
  });
}

TEST(SyncSpec, BosFlagsAreFollowedAsTheyAre) {
  BosImage image = Image("active: false deleted: true screening_status: SCREENING_STATUS_BLOCKED updated_at_us: 300");
  AfterFirstSync()
      .When(Sync(image))
      .Then(Make<ScreeningResultRecorded>("screening { status: SCREENING_STATUS_BLOCKED } updated_at_us: 300"),
            Make<BeneficiaryDeactivated>("reason: 'BOS' updated_at_us: 300"),
            Make<BeneficiaryRemoved>("updated_at_us: 300"), Synced(image, 300))
      .When(Sync(Image("updated_at_us: 400")))
      .Then(Make<ScreeningResultRecorded>("screening { status: SCREENING_STATUS_PENDING } updated_at_us: 400"),
            Make<BeneficiaryActivated>("updated_at_us: 400"), Make<BeneficiaryRestored>("updated_at_us: 400"),
            Synced(Image("updated_at_us: 400"), 400));
}

TEST(SyncSpec, NoAccountAtBosDoesNotDeactivate) {
  BosImage image = Image();
  image.clear_bank_accounts();
  AfterFirstSync().When(Sync(image)).ThenState([](const State& s) { return s.active() && s.bank_accounts().empty(); });
}

TEST(SyncSpec, ARowTouchedWithoutAChangeMovesUpdatedAtOnly) {
  const BosImage image = Image("updated_at_us: 300");
  AfterFirstSync().When(Sync(image)).Then(Synced(image, 300)).ThenState([](const State& s) {
    return s.updated_at_us() == 300;
  });
}

TEST(SyncSpec, AChangedCreationTimeIsTakenOver) {
  const BosImage image = Image("created_at_us: 50");
  AfterFirstSync().When(Sync(image)).Then(Synced(image, 200)).ThenState([](const State& s) {
    return s.created_at_us() == 50;
  });
}

// ---- changed here

TEST(SyncSpec, WhatWasChangedHereAndNotThereStays) {
  const BosImage image = Image("details { reason_for_trade: 'salary' } address { city: 'Toledo' } updated_at_us: 300");
  auto spec = AfterFirstSync();
  spec.Given(Make<DetailsAmended>("details { name: 'Ours' type: ENTITY_TYPE_BUSINESS reference_information: 'Invoice' "
                                  "reason_for_trade: 'rent' } updated_at_us: 250"),
             Make<AddressChanged>("address { city: 'Madrid' street_name: 'Ours' country_code: 'ES' }"))
      .When(Sync(image))
      .Then(Make<DetailsAmended>("details { name: 'Ours' type: ENTITY_TYPE_BUSINESS reference_information: 'Invoice' "
                                 "reason_for_trade: 'salary' } changed: 'reason_for_trade' updated_at_us: 300"),
            Make<AddressChanged>("address { city: 'Toledo' street_name: 'Ours' country_code: 'ES' } changed: 'city'"),
            Synced(image, 300));
}

TEST(SyncSpec, BosWinsWhereBothChanged) {
  const BosImage image = Image("details { name: 'Theirs' } updated_at_us: 300");
  auto spec = AfterFirstSync();
  spec.Given(Make<DetailsAmended>("details { name: 'Ours' type: ENTITY_TYPE_BUSINESS reference_information: 'Invoice' "
                                  "reason_for_trade: 'rent' } updated_at_us: 5000"))
      .When(Sync(image))
      .ThenState([](const State& s) { return s.details().name() == "Theirs" && s.updated_at_us() == 300; });
}

TEST(SyncSpec, TheSameChangeOnBothSidesIsNoEvent) {
  const BosImage image = Image("details { name: 'Same' } active: false updated_at_us: 300");
  auto spec = AfterFirstSync();
  spec.Given(Make<DetailsAmended>("details { name: 'Same' type: ENTITY_TYPE_BUSINESS reference_information: 'Invoice' "
                                  "reason_for_trade: 'rent' } updated_at_us: 250"),
             Make<BeneficiaryDeactivated>("updated_at_us: 260"))
      .When(Sync(image))
      .Then(Synced(image, 300));
}

TEST(SyncSpec, AChildsChangeAtBosLeavesTheTimeOfALocalChange) {
  auto spec = AfterFirstSync();
  spec.Given(Make<BeneficiaryDeactivated>("updated_at_us: 5000"))
      .When(Sync(Image("address { city: 'Toledo' }")))
      .ThenState([](const State& s) { return s.updated_at_us() == 5000 && !s.active(); });
}

TEST(SyncSpec, AScreeningTimeFromHereIsKept) {
  auto spec = AfterFirstSync();
  spec.Given(Make<ScreeningResultRecorded>("screening { status: SCREENING_STATUS_CLEAR checked_at_us: 7 }"))
      .When(Sync(Image("screening_status: SCREENING_STATUS_BLOCKED")))
      .ThenState([](const State& s) {
        return s.screening().status() == types::v1::SCREENING_STATUS_BLOCKED && s.screening().checked_at_us() == 7;
      });
}

TEST(SyncSpec, ARemovalHereStaysUntilBosChangesTheFlag) {
  auto removed_here = AfterFirstSync();
  removed_here.Given(Make<BeneficiaryRemoved>("updated_at_us: 250"));
  removed_here.When(Sync(Image("details { name: 'n' } updated_at_us: 300"))).ThenState([](const State& s) {
    return s.removed();
  });
  removed_here.When(Sync(Image("details { name: 'n' } deleted: true updated_at_us: 310")))
      .ThenState([](const State& s) { return s.removed(); });
  removed_here.When(Sync(Image("details { name: 'n' } updated_at_us: 320"))).ThenState([](const State& s) {
    return !s.removed();
  });
}

TEST(SyncSpec, AliasesAddedHereStayBehindTheLegacyOnes) {
  BosImage image = Image();
  *image.add_aliases() = Make<types::v1::Alias>("alias: 'c' legacy_id: '3'");
  auto spec = AfterFirstSync();
  spec.Given(Make<AliasAdded>("alias { alias: 'ours' }")).When(Sync(image)).ThenState([](const State& s) {
    return s.aliases_size() == 4 && s.aliases(2).alias() == "c" && s.aliases(3).alias() == "ours";
  });
}

TEST(SyncSpec, AnAliasRemovedHereStaysRemovedUntilBosInsertsItAgain) {
  auto spec = AfterFirstSync();
  spec.Given(Make<AliasRemoved>("alias { alias: 'a' legacy_id: '1' }"));
  spec.When(Sync(Image("updated_at_us: 300"))).ThenState([](const State& s) { return s.aliases_size() == 1; });
  BosImage again = Image("updated_at_us: 310");
  again.mutable_aliases()->SwapElements(0, 1);
  again.mutable_aliases(1)->set_legacy_id("3");
  spec.When(Sync(again))
      .Then(Make<AliasAdded>("alias { alias: 'a' legacy_id: '3' }"), Synced(again, 310))
      .ThenState([](const State& s) { return s.aliases(1).alias() == "a"; });
}

TEST(SyncSpec, AnAliasAddedHereAndThenAtBosTakesItsLegacyPlace) {
  BosImage image = Image();
  *image.add_aliases() = Make<types::v1::Alias>("alias: 'ours' legacy_id: '3'");
  auto spec = AfterFirstSync();
  spec.Given(Make<AliasAdded>("alias { alias: 'first' }"), Make<AliasAdded>("alias { alias: 'ours' }"))
      .When(Sync(image))
      .Then(Make<AliasRemoved>("alias { alias: 'ours' }"), Make<AliasAdded>("alias { alias: 'ours' legacy_id: '3' }"),
            Synced(image, 200))
      .ThenState([](const State& s) { return s.aliases(2).alias() == "ours" && s.aliases(3).alias() == "first"; });
}

TEST(SyncSpec, AnAliasRemovedAndAddedAgainHereGoesWhenBosDeletesIt) {
  BosImage image = Image();
  image.mutable_aliases()->DeleteSubrange(0, 1);
  auto spec = AfterFirstSync();
  spec.Given(Make<AliasRemoved>("alias { alias: 'a' legacy_id: '1' }"), Make<AliasAdded>("alias { alias: 'a' }"))
      .When(Sync(image))
      .Then(Make<AliasRemoved>("alias { alias: 'a' }"), Synced(image, 200));
}

TEST(SyncSpec, TwoRowsWithTheSameAliasForAMomentEndAsOne) {
  BosImage both = Image();  // the new row seen before the old one's deletion
  *both.add_aliases() = Make<types::v1::Alias>("alias: 'a' legacy_id: '3'");
  BosImage settled = both;
  settled.mutable_aliases()->DeleteSubrange(0, 1);
  AfterFirstSync().When(Sync(both)).When(Sync(settled)).ThenState([](const State& s) {
    return s.aliases_size() == 2 && s.aliases(0).alias() == "b" && s.aliases(1).legacy_id() == "3";
  });
}

TEST(SyncSpec, EmailsReplacedHereKeepWhatBosDidNotTouch) {
  BosImage image = Image();
  *image.add_emails() = Make<types::v1::Email>("email: 'new@x.y' legacy_id: '11'");
  auto spec = AfterFirstSync();
  spec.Given(Make<EmailAddressesChanged>("emails { email: 'e@x.y' legacy_id: '5' } emails { email: 'ours@x.y' }"))
      .When(Sync(image))
      .Then(Make<EmailAddressesChanged>("emails { email: 'e@x.y' legacy_id: '5' } "
                                        "emails { email: 'new@x.y' legacy_id: '11' } emails { email: 'ours@x.y' }"),
            Synced(image, 200));
}

TEST(SyncSpec, AnAccountIsMergedFieldByField) {
  BosImage image = Image();
  image.mutable_bank_accounts(0)->set_currency("GBP");
  auto spec = AfterFirstSync();
  spec.Given(Make<BankAccountAmended>(R"(bank_account { id: "acc-7" legacy_id: "7" account_holder: "Ours"
                                         currency: "EUR" iban: "ES91" swift_code: "CAIXESBBXXX"
                                         bank { name: "Ours" country_code: "ES" } is_default: true active: false })"))
      .When(Sync(image))
      .Then(Make<BankAccountAmended>(R"(bank_account { id: "acc-7" legacy_id: "7" account_holder: "Ours"
                                        currency: "GBP" iban: "ES91" swift_code: "CAIXESBBXXX"
                                        bank { name: "Ours" country_code: "ES" } is_default: true active: false }
                                        changed: "currency")"),
            Synced(image, 200));
}

TEST(SyncSpec, AnAccountRemovedHereStaysRemovedUntilItsOwnRowChanges) {
  auto spec = AfterFirstSync();
  spec.Given(Make<BankAccountRemoved>("account_id: 'acc-7'"));
  BosImage renamed_bank = Image();
  renamed_bank.mutable_bank_accounts(0)->mutable_bank()->set_name("Caixa");
  spec.When(Sync(renamed_bank)).Then(Synced(renamed_bank, 200));
  BosImage changed = renamed_bank;
  changed.mutable_bank_accounts(0)->set_iban("ES92");
  BankAccountAdded back;
  *back.mutable_bank_account() = changed.bank_accounts(0);
  spec.When(Sync(changed)).Then(back, Synced(changed, 200)).ThenState([](const State& s) {
    return s.bank_accounts(0).id() == "acc-7";
  });
}

TEST(SyncSpec, AccountsAddedHereStayBehindTheLegacyOnes) {
  BosImage image = Image();
  *image.add_bank_accounts() = Make<types::v1::BankAccount>("id: 'acc-40' legacy_id: '40'");
  auto spec = AfterFirstSync();
  spec.Given(Make<BankAccountAdded>("bank_account { id: 'ours' active: true }"))
      .When(Sync(image))
      .ThenState([](const State& s) {
        return s.bank_accounts_size() == 4 && s.bank_accounts(2).id() == "acc-40" && s.bank_accounts(3).id() == "ours";
      });
}

TEST(SyncSpec, ADefaultMadeHereStaysWhenBosDoesNotTouchTheFlags) {
  auto spec = AfterFirstSync();
  spec.Given(Make<BankAccountMadeDefault>("account_id: 'acc-30'"))
      .When(Sync(Image("updated_at_us: 300")))
      .ThenState([](const State& s) { return !s.bank_accounts(0).is_default() && s.bank_accounts(1).is_default(); });
}

TEST(SyncSpec, APartRemovedHereStaysAwayUntilBosChangesIt) {
  auto spec = AfterFirstSync();
  spec.Given(AddressChanged(), RegulatoryDetailsChanged());
  spec.When(Sync(Image("updated_at_us: 300"))).ThenState([](const State& s) {
    return !s.has_address() && !s.has_regulatory();
  });
  const BosImage image = Image("address { city: 'Toledo' } updated_at_us: 310");
  spec.When(Sync(image)).ThenState([](const State& s) {
    return s.address().city() == "Toledo" && s.address().street_name() == "C. de Sevilla" && !s.has_regulatory();
  });
}

TEST(SyncSpec, ARemovedBeneficiaryIsSyncedToo) {
  auto spec = AfterFirstSync();
  spec.Given(Make<BeneficiaryRemoved>("updated_at_us: 250"))
      .When(Sync(Image("address { city: 'Toledo' }")))
      .ThenState([](const State& s) { return s.address().city() == "Toledo" && s.removed(); });
}

// ---- forgetting

TEST(ForgetSpec, PurgesOnce) {
  AfterFirstSync()
      .When(ForgetFromBos())
      .Then(BeneficiaryPurged())
      .ThenRetryIsUnchanged()
      .ThenState(Make<State>("lifecycle: LIFECYCLE_PURGED id: 'id-1'"));
  BeneficiarySpec().When(ForgetFromBos()).ThenNothing();
}

TEST(ForgetSpec, TheSameKeyCreatedAgainGoesOnAsIfNew) {
  auto spec = AfterFirstSync();
  spec.Given(Make<AliasAdded>("alias { alias: 'ours' }"), BeneficiaryPurged());
  BeneficiarySpec fresh;
  const auto expected = fresh.On("id-1").When(Sync(Image())).decision().events();
  spec.When(Sync(Image())).Then(expected).ThenState([](const State& s) { return s.aliases_size() == 2; });
}

TEST(ForgetSpec, ARemovedOneCanBeForgotten) {
  auto spec = AfterFirstSync();
  spec.Given(BeneficiaryRemoved()).When(ForgetFromBos()).Then(BeneficiaryPurged());
}

}  // namespace
}  // namespace beneficiary
