// The API's commands: what a client of the service asks for. BOS's commands are in bos_sync.cc.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/checks.h"
#include "beneficiary/domain/identity.h"
#include "beneficiary/domain/internal/fields.h"
#include "beneficiary/domain/internal/lists.h"
#include "beneficiary/domain/validation.h"

namespace beneficiary {

namespace {

using State = Beneficiary::State;
using Event = Beneficiary::Event;
using Decision = Beneficiary::Decision;
using daybook::Code;
using daybook::Context;
using daybook::Reject;
using daybook::Unchanged;

bool Registered(const State& s) { return s.lifecycle() == State::LIFECYCLE_REGISTERED; }

Reject NotRegistered() { return Reject{Code::kNotFound, "NOT_REGISTERED", "There is no such beneficiary.", {}}; }

// What every write but remove and restore wants first.
std::optional<Reject> RefuseWrite(const State& s) {
  if (!Registered(s)) return NotRegistered();
  if (s.removed()) {
    return Reject{Code::kFailedPrecondition, "REMOVED", "The beneficiary is removed; restore it first.", {}};
  }
  return std::nullopt;
}

Reject NoSuchAccount() {
  return Reject{Code::kNotFound, "BANK_ACCOUNT_NOT_FOUND", "The beneficiary has no such bank account.", {}};
}

Reject Invalid(std::vector<daybook::Violation> violations) {
  return Reject{Code::kInvalidArgument, "VALIDATION_FAILED", "The beneficiary would break rules it keeps now.",
                std::move(violations)};
}

void EvolveAll(State& s, const std::vector<Event>& events) {
  for (const Event& event : events) {
    std::visit([&s](const auto& e) { Beneficiary::Evolve(s, e); }, event);
  }
}

// The events, unless they would introduce violations.
Decision Validated(const State& s, std::vector<Event> events) {
  State after = s;
  EvolveAll(after, events);
  std::vector<daybook::Violation> introduced = IntroducedViolations(s, after);
  if (!introduced.empty()) return Invalid(std::move(introduced));
  return Decision(std::move(events));
}

template <class E>
E At(const Context& context) {
  E e;
  e.set_updated_at_us(context.now.micros());
  return e;
}

events::v1::BeneficiaryDeactivated Deactivated(const Context& context, std::string_view reason) {
  auto e = At<events::v1::BeneficiaryDeactivated>(context);
  e.set_reason(std::string(reason));
  return e;
}

events::v1::BankAccountMadeDefault MadeDefault(std::string_view account_id) {
  events::v1::BankAccountMadeDefault e;
  e.set_account_id(std::string(account_id));
  return e;
}

types::v1::BankAccount CreatedAccount(const types::v1::BankAccount& wanted, std::size_t index, const Context& context) {
  types::v1::BankAccount out = wanted;
  out.set_id(context.DeriveId(kNamespace, CreatedBankAccountName(context.command_id, index)).ToString());
  out.clear_legacy_id();
  out.set_active(true);
  return out;
}

// The list in the order it was sent. An address keeps its legacy id as long as those before it are legacy too and
// smaller, so that legacy ones stay first and in key order.
events::v1::EmailAddressesChanged EmailsFrom(const State& s, const commands::v1::EmailList& list) {
  events::v1::EmailAddressesChanged out;
  std::vector<types::v1::Email> known(s.emails().begin(), s.emails().end());
  auto next = known.begin();
  bool all_legacy_so_far = true;
  for (const std::string& text : list.email_addresses()) {
    types::v1::Email* email = out.add_emails();
    email->set_email(text);
    if (!all_legacy_so_far) continue;
    const auto it = std::find_if(next, known.end(), [&](const types::v1::Email& e) { return e.email() == text; });
    if (it == known.end() || it->legacy_id().empty()) {
      all_legacy_so_far = false;
      continue;
    }
    email->set_legacy_id(it->legacy_id());
    next = it + 1;
  }
  return out;
}

bool SameEmails(const State& s, const events::v1::EmailAddressesChanged& e) {
  return std::equal(s.emails().begin(), s.emails().end(), e.emails().begin(), e.emails().end(),
                    [](const types::v1::Email& a, const types::v1::Email& b) {
                      return a.email() == b.email() && a.legacy_id() == b.legacy_id();
                    });
}

std::optional<Event> AmendDetails(const State& s, const commands::v1::AmendBeneficiary& c, const Context& context) {
  auto e = At<events::v1::DetailsAmended>(context);
  types::v1::Details& details = *e.mutable_details();
  details = s.details();
  if (c.has_name()) details.set_name(c.name());
  if (c.has_type()) details.set_type(c.type());
  if (c.has_email_notification()) details.set_email_notification(c.email_notification());
  if (c.has_reference_information()) details.set_reference_information(c.reference_information());
  if (c.has_reason_for_trade()) details.set_reason_for_trade(c.reason_for_trade());
  if (c.has_purpose_code()) details.set_purpose_code(c.purpose_code());
  const std::vector<std::string> changed = internal::ChangedFields(s.details(), details);
  if (changed.empty()) return std::nullopt;
  e.mutable_changed()->Add(changed.begin(), changed.end());
  return e;
}

types::v1::Address Patched(types::v1::Address address, const commands::v1::AddressPatch& p) {
  if (p.has_address_line_1()) address.set_address_line_1(p.address_line_1());
  if (p.has_street_name()) address.set_street_name(p.street_name());
  if (p.has_building_number()) address.set_building_number(p.building_number());
  if (p.has_floor()) address.set_floor(p.floor());
  if (p.has_apartment_office_number()) address.set_apartment_office_number(p.apartment_office_number());
  if (p.has_city()) address.set_city(p.city());
  if (p.has_state_region()) address.set_state_region(p.state_region());
  if (p.has_post_code()) address.set_post_code(p.post_code());
  if (p.has_country_code()) address.set_country_code(p.country_code());
  return address;
}

types::v1::Regulatory Patched(types::v1::Regulatory regulatory, const commands::v1::RegulatoryPatch& p) {
  if (p.has_inn()) regulatory.set_inn(p.inn());
  if (p.has_kpp()) regulatory.set_kpp(p.kpp());
  if (p.has_kio()) regulatory.set_kio(p.kio());
  if (p.has_kbk()) regulatory.set_kbk(p.kbk());
  if (p.has_vo()) regulatory.set_vo(p.vo());
  if (p.has_russian_central_bank_account()) {
    regulatory.set_russian_central_bank_account(p.russian_central_bank_account());
  }
  return regulatory;
}

std::optional<Event> AmendAddress(const State& s, const commands::v1::AddressPatch& patch) {
  events::v1::AddressChanged e;
  if (!patch.remove()) *e.mutable_address() = Patched(s.address(), patch);
  const std::vector<std::string> changed = internal::ChangedFields(s.address(), e.address());
  if (changed.empty() && e.has_address() == s.has_address()) return std::nullopt;
  e.mutable_changed()->Add(changed.begin(), changed.end());
  return e;
}

std::optional<Event> AmendRegulatory(const State& s, const commands::v1::RegulatoryPatch& patch) {
  events::v1::RegulatoryDetailsChanged e;
  if (!patch.remove()) *e.mutable_regulatory() = Patched(s.regulatory(), patch);
  const std::vector<std::string> changed = internal::ChangedFields(s.regulatory(), e.regulatory());
  if (changed.empty() && e.has_regulatory() == s.has_regulatory()) return std::nullopt;
  e.mutable_changed()->Add(changed.begin(), changed.end());
  return e;
}

types::v1::BankAccount Patched(types::v1::BankAccount account, const commands::v1::AmendBankAccount& c) {
  if (c.has_account_holder()) account.set_account_holder(c.account_holder());
  if (c.has_currency()) account.set_currency(c.currency());
  if (c.has_iban()) account.set_iban(c.iban());
  if (c.has_account_number()) account.set_account_number(c.account_number());
  if (c.has_bank_identifier()) account.set_bank_identifier(c.bank_identifier());
  if (c.has_bank_identifier_type()) account.set_bank_identifier_type(c.bank_identifier_type());
  if (c.has_swift_code()) account.set_swift_code(c.swift_code());
  if (c.has_bank_name()) account.mutable_bank()->set_name(c.bank_name());
  if (c.has_bank_country_code()) account.mutable_bank()->set_country_code(c.bank_country_code());
  if (c.has_bank_address_line_1()) account.mutable_bank()->set_address_line_1(c.bank_address_line_1());
  if (c.has_correspondent_swift_code()) account.set_correspondent_swift_code(c.correspondent_swift_code());
  if (c.has_correspondent_account()) account.set_correspondent_account(c.correspondent_account());
  if (c.has_active()) account.set_active(c.active());
  return account;
}

// Adds the deactivation that follows when these events take the last active account of an active beneficiary.
void DeactivateWithoutAccount(const State& s, const Context& context, std::vector<Event>& events) {
  if (!s.active() || !internal::HasActiveAccount(s)) return;
  State after = s;
  EvolveAll(after, events);
  if (!internal::HasActiveAccount(after)) events.emplace_back(Deactivated(context, "NO_ACTIVE_BANK_ACCOUNT"));
}

}  // namespace

Decision Beneficiary::Decide(const State& s, const commands::v1::RegisterBeneficiary& c, const Context& context) {
  if (Registered(s)) return Reject{Code::kAlreadyExists, "ALREADY_REGISTERED", "The beneficiary exists already.", {}};
  auto e = At<events::v1::BeneficiaryRegistered>(context);
  const std::string id(context.stream.key());
  e.set_id(id);
  e.set_client_id(c.client_id());
  *e.mutable_details() = c.details();
  if (c.has_address()) *e.mutable_address() = c.address();
  std::unordered_set<std::string_view> known;
  for (const std::string& alias : c.aliases()) {
    if (known.insert(alias).second) e.add_aliases()->set_alias(alias);
  }
  for (const std::string& email : c.email_addresses()) e.add_emails()->set_email(email);
  int last_default = -1;
  for (int i = 0; i < c.bank_accounts_size(); ++i) {
    if (c.bank_accounts(i).is_default()) last_default = i;
  }
  for (int i = 0; i < c.bank_accounts_size(); ++i) {
    *e.add_bank_accounts() = CreatedAccount(c.bank_accounts(i), static_cast<std::size_t>(i), context);
    e.mutable_bank_accounts(i)->set_is_default(i == last_default);
  }
  if (c.has_regulatory()) *e.mutable_regulatory() = c.regulatory();
  e.mutable_screening()->set_status(types::v1::SCREENING_STATUS_PENDING);
  e.set_active(c.bank_accounts_size() > 0);
  e.mutable_origin()->set_system("daybook");
  e.mutable_origin()->set_id(id);
  e.set_created_at_us(context.now.micros());

  State after;
  Evolve(after, e);
  std::vector<daybook::Violation> violations = IntroducedViolations(State(), after);
  if (!IsClientId(c.client_id())) {
    violations.insert(violations.begin(), {"/client_id", "CLIENT_ID_FORMAT", "A client id is EBPCLI and six digits."});
  }
  if (!violations.empty()) return Invalid(std::move(violations));
  return daybook::Emit(std::move(e));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::AmendBeneficiary& c, const Context& context) {
  if (auto refused = RefuseWrite(s)) return *refused;
  std::vector<Event> out;
  if (auto e = AmendDetails(s, c, context)) out.push_back(*std::move(e));
  if (c.has_address()) {
    if (auto e = AmendAddress(s, c.address())) out.push_back(*std::move(e));
  }
  if (c.has_email_addresses()) {
    auto e = EmailsFrom(s, c.email_addresses());
    if (!SameEmails(s, e)) out.emplace_back(std::move(e));
  }
  if (c.has_regulatory()) {
    if (auto e = AmendRegulatory(s, c.regulatory())) out.push_back(*std::move(e));
  }
  return Validated(s, std::move(out));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::AddAlias& c, const Context&) {
  if (auto refused = RefuseWrite(s)) return *refused;
  const bool known = std::any_of(s.aliases().begin(), s.aliases().end(),
                                 [&](const types::v1::Alias& other) { return other.alias() == c.alias(); });
  if (known) return Unchanged{};
  events::v1::AliasAdded e;
  e.mutable_alias()->set_alias(c.alias());
  std::vector<Event> out;
  out.emplace_back(std::move(e));
  return Validated(s, std::move(out));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::RemoveAlias& c, const Context&) {
  if (auto refused = RefuseWrite(s)) return *refused;
  std::vector<Event> out;
  for (const types::v1::Alias& alias : s.aliases()) {
    if (alias.alias() != c.alias()) continue;
    events::v1::AliasRemoved e;
    *e.mutable_alias() = alias;
    out.emplace_back(std::move(e));
  }
  return Decision(std::move(out));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::AddBankAccount& c, const Context& context) {
  if (auto refused = RefuseWrite(s)) return *refused;
  types::v1::BankAccount account = CreatedAccount(c.bank_account(), 0, context);
  if (internal::FindAccount(s, account.id()) != nullptr) return Unchanged{};
  const bool makes_default = account.is_default();
  account.set_is_default(false);

  std::vector<Event> out;
  events::v1::BankAccountAdded e;
  *e.mutable_bank_account() = account;
  out.emplace_back(std::move(e));
  if (makes_default) out.emplace_back(MadeDefault(account.id()));
  return Validated(s, std::move(out));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::AmendBankAccount& c, const Context& context) {
  if (auto refused = RefuseWrite(s)) return *refused;
  const types::v1::BankAccount* account = internal::FindAccount(s, c.account_id());
  if (account == nullptr) return NoSuchAccount();
  events::v1::BankAccountAmended e;
  *e.mutable_bank_account() = Patched(*account, c);
  const std::vector<std::string> changed = internal::ChangedFields(*account, e.bank_account());
  if (changed.empty()) return Unchanged{};
  e.mutable_changed()->Add(changed.begin(), changed.end());

  std::vector<Event> out;
  out.emplace_back(std::move(e));
  DeactivateWithoutAccount(s, context, out);
  return Validated(s, std::move(out));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::RemoveBankAccount& c, const Context& context) {
  if (auto refused = RefuseWrite(s)) return *refused;
  if (internal::FindAccount(s, c.account_id()) == nullptr) return NoSuchAccount();
  events::v1::BankAccountRemoved e;
  e.set_account_id(c.account_id());

  std::vector<Event> out;
  out.emplace_back(std::move(e));
  DeactivateWithoutAccount(s, context, out);
  return Decision(std::move(out));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::MakeBankAccountDefault& c, const Context&) {
  if (auto refused = RefuseWrite(s)) return *refused;
  if (internal::FindAccount(s, c.account_id()) == nullptr) return NoSuchAccount();
  const bool is_so = std::all_of(
      s.bank_accounts().begin(), s.bank_accounts().end(),
      [&](const types::v1::BankAccount& account) { return account.is_default() == (account.id() == c.account_id()); });
  if (is_so) return Unchanged{};
  return daybook::Emit(MadeDefault(c.account_id()));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::ActivateBeneficiary&, const Context& context) {
  if (auto refused = RefuseWrite(s)) return *refused;
  if (s.active()) return Unchanged{};
  if (!internal::HasActiveAccount(s)) {
    return Reject{Code::kFailedPrecondition,
                  "NO_ACTIVE_BANK_ACCOUNT",
                  "A beneficiary without an active bank account cannot be active.",
                  {}};
  }
  return daybook::Emit(At<events::v1::BeneficiaryActivated>(context));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::DeactivateBeneficiary&, const Context& context) {
  if (auto refused = RefuseWrite(s)) return *refused;
  if (!s.active()) return Unchanged{};
  return daybook::Emit(Deactivated(context, "REQUESTED"));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::RecordScreeningResult& c, const Context& context) {
  if (auto refused = RefuseWrite(s)) return *refused;
  switch (c.status()) {
    case types::v1::SCREENING_STATUS_PENDING:
    case types::v1::SCREENING_STATUS_CLEAR:
    case types::v1::SCREENING_STATUS_BLOCKED:
      break;
    default:
      return Invalid({{"/screening/status", "REQUIRED", "A screening result is clear, blocked or pending."}});
  }
  const std::int64_t checked_at_us = c.has_checked_at_us() ? c.checked_at_us() : context.now.micros();
  if (s.screening().status() == c.status() && s.screening().has_checked_at_us() &&
      s.screening().checked_at_us() == checked_at_us) {
    return Unchanged{};
  }
  auto e = At<events::v1::ScreeningResultRecorded>(context);
  e.mutable_screening()->set_status(c.status());
  e.mutable_screening()->set_checked_at_us(checked_at_us);
  return daybook::Emit(std::move(e));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::RemoveBeneficiary&, const Context& context) {
  if (!Registered(s)) return NotRegistered();
  if (s.removed()) return Unchanged{};
  return daybook::Emit(At<events::v1::BeneficiaryRemoved>(context));
}

Decision Beneficiary::Decide(const State& s, const commands::v1::RestoreBeneficiary&, const Context& context) {
  if (!Registered(s)) return NotRegistered();
  if (!s.removed()) return Unchanged{};
  return daybook::Emit(At<events::v1::BeneficiaryRestored>(context));
}

}  // namespace beneficiary
