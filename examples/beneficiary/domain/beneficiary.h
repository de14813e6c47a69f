#ifndef BENEFICIARY_DOMAIN_BENEFICIARY_H_
#define BENEFICIARY_DOMAIN_BENEFICIARY_H_

#include <string_view>
#include <variant>

#include "beneficiary/commands/v1/commands.pb.h"
#include "beneficiary/events/v1/events.pb.h"
#include "beneficiary/state/v1/state.pb.h"
#include "daybook/core/aggregate.h"

namespace beneficiary {

// Who a client pays: a payee with its accounts, aliases and e-mails, kept here and at BOS at the same time.
//
//   BeneficiaryState state;                                          // of the stream "beneficiary/<id>"
//   auto decision = Beneficiary::Decide(state, register_command, context);
//   for (const auto& event : decision.events()) std::visit([&](const auto& e) { Beneficiary::Evolve(state, e); },
//   event);
//
// Thread safety: pure functions of their arguments.
//
// What every command keeps to:
//   1. On a stream that was never registered, or was purged: kNotFound NOT_REGISTERED. RegisterBeneficiary and
//      SyncFromBos begin it, or begin it anew; ForgetFromBos is Unchanged.
//   2. On a removed beneficiary: kFailedPrecondition REMOVED, but for RestoreBeneficiary, RemoveBeneficiary and the two
//      of BOS.
//   3. What is so already is Unchanged: a retry is no error.
//   4. The API's commands are refused with kInvalidArgument VALIDATION_FAILED for the violations that they introduce
//      (validation.h): those after the command less those before it. BOS's are accepted.
//   5. `updated_at` is the time of the beneficiary's own row: an API command sets it to `now` when details, client,
//      active, screening or removed change, and not for addresses, e-mails, aliases, accounts or regulatory details.
//   6. Aliases, e-mails and accounts lie in legacy key order, then those added here in the order they were added.
//   7. Unlisted codes do not occur; reasons are ALREADY_REGISTERED, NOT_REGISTERED, REMOVED, VALIDATION_FAILED,
//      BANK_ACCOUNT_NOT_FOUND, NO_ACTIVE_BANK_ACCOUNT.
struct Beneficiary {
  static constexpr std::string_view kCategory = "beneficiary";

  using Event =
      std::variant<events::v1::BeneficiaryRegistered, events::v1::DetailsAmended, events::v1::MovedToClient,
                   events::v1::AddressChanged, events::v1::EmailAddressesChanged, events::v1::RegulatoryDetailsChanged,
                   events::v1::AliasAdded, events::v1::AliasRemoved, events::v1::BankAccountAdded,
                   events::v1::BankAccountAmended, events::v1::BankAccountRemoved, events::v1::BankAccountMadeDefault,
                   events::v1::BeneficiaryActivated, events::v1::BeneficiaryDeactivated,
                   events::v1::ScreeningResultRecorded, events::v1::BeneficiaryRemoved, events::v1::BeneficiaryRestored,
                   events::v1::SyncedFromBos, events::v1::BeneficiaryPurged>;

  using State = state::v1::BeneficiaryState;

  // Total: each accepts every event ever written, in any state.
  static void Evolve(State& s, const events::v1::BeneficiaryRegistered& e);
  static void Evolve(State& s, const events::v1::DetailsAmended& e);
  static void Evolve(State& s, const events::v1::MovedToClient& e);
  static void Evolve(State& s, const events::v1::AddressChanged& e);
  static void Evolve(State& s, const events::v1::EmailAddressesChanged& e);
  static void Evolve(State& s, const events::v1::RegulatoryDetailsChanged& e);
  static void Evolve(State& s, const events::v1::AliasAdded& e);
  static void Evolve(State& s, const events::v1::AliasRemoved& e);
  static void Evolve(State& s, const events::v1::BankAccountAdded& e);
  static void Evolve(State& s, const events::v1::BankAccountAmended& e);
  static void Evolve(State& s, const events::v1::BankAccountRemoved& e);
  static void Evolve(State& s, const events::v1::BankAccountMadeDefault& e);
  static void Evolve(State& s, const events::v1::BeneficiaryActivated& e);
  static void Evolve(State& s, const events::v1::BeneficiaryDeactivated& e);
  static void Evolve(State& s, const events::v1::ScreeningResultRecorded& e);
  static void Evolve(State& s, const events::v1::BeneficiaryRemoved& e);
  static void Evolve(State& s, const events::v1::BeneficiaryRestored& e);
  static void Evolve(State& s, const events::v1::SyncedFromBos& e);
  static void Evolve(State& s, const events::v1::BeneficiaryPurged& e);

  using Command =
      std::variant<commands::v1::RegisterBeneficiary, commands::v1::AmendBeneficiary, commands::v1::AddAlias,
                   commands::v1::RemoveAlias, commands::v1::AddBankAccount, commands::v1::AmendBankAccount,
                   commands::v1::RemoveBankAccount, commands::v1::MakeBankAccountDefault,
                   commands::v1::ActivateBeneficiary, commands::v1::DeactivateBeneficiary,
                   commands::v1::RecordScreeningResult, commands::v1::RemoveBeneficiary,
                   commands::v1::RestoreBeneficiary, commands::v1::SyncFromBos, commands::v1::ForgetFromBos>;

  using Decision = daybook::Decision<Event>;
  using Context = daybook::Context;

  // Registers what the API created. Active if it has an account, inactive without. Of several defaults the last one
  // stays; of equal aliases the first. kAlreadyExists ALREADY_REGISTERED on a registered stream, removed or not.
  static Decision Decide(const State& s, const commands::v1::RegisterBeneficiary& c, const Context& context);

  // Changes the given fields. E-mails that keep their place among the legacy ones keep their legacy id; the list
  // reads as it was sent. A patch of an absent address or of absent regulatory details creates them.
  static Decision Decide(const State& s, const commands::v1::AmendBeneficiary& c, const Context& context);

  // Of an alias that it has, or that it does not have: Unchanged, since PUT and DELETE may be repeated.
  static Decision Decide(const State& s, const commands::v1::AddAlias& c, const Context& context);
  static Decision Decide(const State& s, const commands::v1::RemoveAlias& c, const Context& context);

  // The account is active; its id is UUIDv5 of the command id and 0. Does not activate the beneficiary.
  static Decision Decide(const State& s, const commands::v1::AddBankAccount& c, const Context& context);

  // kNotFound BANK_ACCOUNT_NOT_FOUND for an id it does not have. When the last active account goes (removed, or
  // amended to inactive), an active beneficiary becomes inactive. Removing the default makes no other the default.
  static Decision Decide(const State& s, const commands::v1::AmendBankAccount& c, const Context& context);
  static Decision Decide(const State& s, const commands::v1::RemoveBankAccount& c, const Context& context);
  static Decision Decide(const State& s, const commands::v1::MakeBankAccountDefault& c, const Context& context);

  // Activating needs an active account: kFailedPrecondition NO_ACTIVE_BANK_ACCOUNT.
  static Decision Decide(const State& s, const commands::v1::ActivateBeneficiary& c, const Context& context);
  static Decision Decide(const State& s, const commands::v1::DeactivateBeneficiary& c, const Context& context);

  // A result without a time counts as checked now.
  static Decision Decide(const State& s, const commands::v1::RecordScreeningResult& c, const Context& context);

  static Decision Decide(const State& s, const commands::v1::RemoveBeneficiary& c, const Context& context);
  static Decision Decide(const State& s, const commands::v1::RestoreBeneficiary& c, const Context& context);

  // Emits what BOS changed since the image in the state, and SyncedFromBos last; Unchanged if the images are equal.
  // Per field BOS wins where BOS changed it, and what was changed here and not there stays. A part (address,
  // regulatory details) that comes or goes at BOS is taken whole. What was removed here stays removed until BOS changes
  // that row itself; a change of the bank that accounts share does not bring an account back.
  static Decision Decide(const State& s, const commands::v1::SyncFromBos& c, const Context& context);
  static Decision Decide(const State& s, const commands::v1::ForgetFromBos& c, const Context& context);
};
static_assert(daybook::Aggregate<Beneficiary>);

}  // namespace beneficiary

#endif  // BENEFICIARY_DOMAIN_BENEFICIARY_H_
