// How events change the state. Every overload is total: it takes any event in any state.
#include <algorithm>
#include <string>
#include <utility>

#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/internal/lists.h"

namespace beneficiary {

using State = Beneficiary::State;

void Beneficiary::Evolve(State& s, const events::v1::BeneficiaryRegistered& e) {
  s.Clear();
  s.set_lifecycle(State::LIFECYCLE_REGISTERED);
  s.set_id(e.id());
  s.set_client_id(e.client_id());
  *s.mutable_details() = e.details();
  if (e.has_address()) *s.mutable_address() = e.address();
  *s.mutable_aliases() = e.aliases();
  *s.mutable_emails() = e.emails();
  *s.mutable_bank_accounts() = e.bank_accounts();
  if (e.has_regulatory()) *s.mutable_regulatory() = e.regulatory();
  *s.mutable_screening() = e.screening();
  s.set_active(e.active());
  s.set_removed(e.removed());
  *s.mutable_origin() = e.origin();
  s.set_created_at_us(e.created_at_us());
  s.set_updated_at_us(e.updated_at_us());
}

void Beneficiary::Evolve(State& s, const events::v1::DetailsAmended& e) {
  *s.mutable_details() = e.details();
  s.set_updated_at_us(e.updated_at_us());
}

void Beneficiary::Evolve(State& s, const events::v1::MovedToClient& e) {
  s.set_client_id(e.client_id());
  s.set_updated_at_us(e.updated_at_us());
}

void Beneficiary::Evolve(State& s, const events::v1::AddressChanged& e) {
  if (e.has_address()) {
    *s.mutable_address() = e.address();
  } else {
    s.clear_address();
  }
}

void Beneficiary::Evolve(State& s, const events::v1::EmailAddressesChanged& e) { *s.mutable_emails() = e.emails(); }

void Beneficiary::Evolve(State& s, const events::v1::RegulatoryDetailsChanged& e) {
  if (e.has_regulatory()) {
    *s.mutable_regulatory() = e.regulatory();
  } else {
    s.clear_regulatory();
  }
}

void Beneficiary::Evolve(State& s, const events::v1::AliasAdded& e) {
  internal::InsertInOrder(*s.mutable_aliases(), e.alias());
}

void Beneficiary::Evolve(State& s, const events::v1::AliasRemoved& e) {
  auto* aliases = s.mutable_aliases();
  const auto it = std::find_if(aliases->begin(), aliases->end(), [&](const types::v1::Alias& a) {
    return a.alias() == e.alias().alias() && a.legacy_id() == e.alias().legacy_id();
  });
  if (it != aliases->end()) aliases->erase(it);
}

void Beneficiary::Evolve(State& s, const events::v1::BankAccountAdded& e) {
  internal::RemoveAccount(s, e.bank_account().id());
  internal::InsertInOrder(*s.mutable_bank_accounts(), e.bank_account());
}

void Beneficiary::Evolve(State& s, const events::v1::BankAccountAmended& e) {
  types::v1::BankAccount* account = internal::FindAccount(s, e.bank_account().id());
  if (account != nullptr && account->legacy_id() == e.bank_account().legacy_id()) {
    *account = e.bank_account();
    return;
  }
  internal::RemoveAccount(s, e.bank_account().id());
  internal::InsertInOrder(*s.mutable_bank_accounts(), e.bank_account());
}

void Beneficiary::Evolve(State& s, const events::v1::BankAccountRemoved& e) {
  internal::RemoveAccount(s, e.account_id());
}

void Beneficiary::Evolve(State& s, const events::v1::BankAccountMadeDefault& e) {
  for (types::v1::BankAccount& account : *s.mutable_bank_accounts()) {
    account.set_is_default(account.id() == e.account_id());
  }
}

void Beneficiary::Evolve(State& s, const events::v1::BeneficiaryActivated& e) {
  s.set_active(true);
  s.set_updated_at_us(e.updated_at_us());
}

void Beneficiary::Evolve(State& s, const events::v1::BeneficiaryDeactivated& e) {
  s.set_active(false);
  s.set_updated_at_us(e.updated_at_us());
}

void Beneficiary::Evolve(State& s, const events::v1::ScreeningResultRecorded& e) {
  *s.mutable_screening() = e.screening();
  s.set_updated_at_us(e.updated_at_us());
}

void Beneficiary::Evolve(State& s, const events::v1::BeneficiaryRemoved& e) {
  s.set_removed(true);
  s.set_updated_at_us(e.updated_at_us());
}

void Beneficiary::Evolve(State& s, const events::v1::BeneficiaryRestored& e) {
  s.set_removed(false);
  s.set_updated_at_us(e.updated_at_us());
}

void Beneficiary::Evolve(State& s, const events::v1::SyncedFromBos& e) {
  *s.mutable_bos_image() = e.image();
  s.set_created_at_us(e.image().created_at_us());
  s.set_updated_at_us(e.updated_at_us());
}

void Beneficiary::Evolve(State& s, const events::v1::BeneficiaryPurged&) {
  const std::string id = s.id();
  s.Clear();
  s.set_lifecycle(State::LIFECYCLE_PURGED);
  s.set_id(id);
}

}  // namespace beneficiary
