#include "beneficiary/domain/validation.h"

#include <algorithm>
#include <utility>

namespace beneficiary {

std::vector<daybook::Violation> Validate(const state::v1::BeneficiaryState& s) {
  std::vector<daybook::Violation> out;
  if (s.details().name().empty()) out.push_back({"/name", "REQUIRED", "A beneficiary has a name."});
  if (s.details().type() == types::v1::ENTITY_TYPE_UNSPECIFIED) {
    out.push_back({"/type", "REQUIRED", "A beneficiary is business or personal."});
  }
  return out;
}

std::vector<daybook::Violation> IntroducedViolations(const state::v1::BeneficiaryState& before,
                                                     const state::v1::BeneficiaryState& after) {
  std::vector<daybook::Violation> out = Validate(after);
  if (before.lifecycle() != state::v1::BeneficiaryState::LIFECYCLE_REGISTERED) return out;
  const std::vector<daybook::Violation> known = Validate(before);
  std::erase_if(out, [&](const auto& v) { return std::find(known.begin(), known.end(), v) != known.end(); });
  return out;
}

}  // namespace beneficiary
