#ifndef BENEFICIARY_DOMAIN_VALIDATION_H_
#define BENEFICIARY_DOMAIN_VALIDATION_H_

#include <string>
#include <string_view>
#include <vector>

#include "beneficiary/state/v1/state.pb.h"
#include "beneficiary/types/v1/types.pb.h"
#include "daybook/core/decision.h"

namespace beneficiary {

// Every rule that the beneficiary breaks, all at once, in the order of B's JSON.
//
//   for (const daybook::Violation& v : Validate(state)) …   // {"/bank_accounts/0/iban", "IBAN_CHECKSUM", "…"}
//
// Pointers are into B, the definitive JSON of a beneficiary. Thread safety: a pure function. Cost: microseconds.
std::vector<daybook::Violation> Validate(const state::v1::BeneficiaryState& s);

// The violations of `after` less those of `before`, of which a beneficiary that is not registered has none. A violation
// is the same if its rule and the value that breaks it are, wherever the account, e-mail or alias stands in its list.
std::vector<daybook::Violation> IntroducedViolations(const state::v1::BeneficiaryState& before,
                                                     const state::v1::BeneficiaryState& after);

}  // namespace beneficiary

#endif  // BENEFICIARY_DOMAIN_VALIDATION_H_
