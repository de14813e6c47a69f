#ifndef BENEFICIARY_API_REQUIREMENTS_H_
#define BENEFICIARY_API_REQUIREMENTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "beneficiary/domain/validation.h"

namespace beneficiary::api {

// What a beneficiary needs for an account at a bank of this country, in this currency, held by this type of entity
// ("business" or "personal"; "" = business). Letters in any case. kInvalidArgument (reason BAD_PARAMETER) names the
// parameter: a country that is not two letters, a currency that is not three, a type that is none.
absl::StatusOr<std::vector<Requirement>> FindRequirements(std::string_view bank_country, std::string_view currency,
                                                          std::string_view type);

// `{"rules":[{"field":pointer,"required":bool,"pattern":"…"|null,"check":"iban"|null}]}`.
std::string RenderRequirements(const std::vector<Requirement>& requirements);

}  // namespace beneficiary::api

#endif  // BENEFICIARY_API_REQUIREMENTS_H_
