#ifndef BENEFICIARY_DOMAIN_VALIDATION_H_
#define BENEFICIARY_DOMAIN_VALIDATION_H_

#include <string>
#include <string_view>
#include <vector>

#include "beneficiary/state/v1/state.pb.h"
#include "beneficiary/types/v1/types.pb.h"
#include "daybook/core/decision.h"

namespace beneficiary {

// Every rule that a registered beneficiary breaks, all at once: its own fields first, then each account's.
//
//   for (const daybook::Violation& v : Validate(state)) …   // {"/bank_accounts/0/iban", "IBAN_CHECKSUM", "…"}
//
// Pointers are into B, the definitive JSON of a beneficiary. The rules are data/validation_rules.json, and:
//   1. an account is judged by its bank's country, else the country of its IBAN, else of its BIC; without any of them
//      it lacks /bank_accounts/<n>/bank/country_code, and without a currency the table does not apply;
//   2. an IBAN or BIC that is given is checked whether it is required or not;
//   3. an address counts as given if any of its fields is; blanks alone do not fulfil a requirement.
// Codes: REQUIRED, VALUE_TOO_LONG, TOO_MANY, NOT_SWIFT_X, COUNTRY_CODE, CURRENCY_FORMAT, EMAIL_FORMAT, IBAN_FORMAT,
// IBAN_COUNTRY_UNKNOWN, IBAN_LENGTH, IBAN_CHECKSUM, IBAN_COUNTRY, BIC_FORMAT, BIC_COUNTRY, ABA_FORMAT, ABA_CHECKSUM,
// CLABE_FORMAT, CLABE_CHECKSUM, SORT_CODE_FORMAT, BSB_FORMAT, TRANSIT_FORMAT, IFSC_FORMAT, ACCOUNT_NUMBER_FORMAT,
// BANK_IDENTIFIER_TYPE, CLIENT_ID_FORMAT (of a registration only).
// Thread safety: a pure function. Cost: microseconds.
std::vector<daybook::Violation> Validate(const state::v1::BeneficiaryState& s);

// The violations of `after` less those of `before`, of which a beneficiary that is not registered has none. A violation
// is the same if its rule and the value that breaks it are, wherever the account, e-mail or alias stands in its list.
std::vector<daybook::Violation> IntroducedViolations(const state::v1::BeneficiaryState& before,
                                                     const state::v1::BeneficiaryState& after);

// One line of what the metadata endpoint tells of a field.
struct Requirement {
  std::string field;  // JSON pointer into B, with index 0 for the account: "/bank_accounts/0/iban"
  bool required;
  std::string pattern;  // "" = any
  std::string check;    // iban | bic | aba | clabe | sort_code | bsb | transit | ifsc; "" = none

  friend bool operator==(const Requirement&, const Requirement&) = default;
};

// What a beneficiary of this type needs for an account in this currency at a bank in this country, from the same table
// that Validate reads. Countries and currencies without a row of their own get the row for all others. Where a
// GB IBAN will do instead, the account number and sort code are shown as required and the IBAN as not.
std::vector<Requirement> Requirements(std::string_view bank_country, std::string_view currency,
                                      types::v1::EntityType type);

}  // namespace beneficiary

#endif  // BENEFICIARY_DOMAIN_VALIDATION_H_
