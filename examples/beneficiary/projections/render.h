#ifndef BENEFICIARY_PROJECTIONS_RENDER_H_
#define BENEFICIARY_PROJECTIONS_RENDER_H_

#include <string>
#include <string_view>

#include "beneficiary/state/v1/state.pb.h"
#include "daybook/core/strong.h"

namespace beneficiary {

// From a beneficiary's state to the bytes that the endpoints serve; docs/reference/formats/read-models.md has the
// rules.
//
//   std::string json;
//   AppendDefinitiveJson(state, revision, json);
//
// Thread safety: pure functions of their arguments. Precondition: texts are valid UTF-8 (protobuf strings are).

// B of the definitive API: compact, absent and empty texts as null, every account, alias and e-mail in stored order.
void AppendDefinitiveJson(const state::v1::BeneficiaryState& state, daybook::Revision revision, std::string& out);

// One element of BOS's client/beneficiaries: flat, absent as "", active accounts only.
void AppendCompatJson(const state::v1::BeneficiaryState& state, std::string& out);

// U+2028 and U+2029: as they are, or as \u2028 and \u2029 as BOS writes them.
enum class LineSeparators { kRaw, kEscaped };

// A JSON string with its quotes. Escapes quotes, backslash and control characters (\b \f \n \r \t, else \u00xx).
void AppendJsonString(std::string_view text, LineSeparators separators, std::string& out);

}  // namespace beneficiary

#endif  // BENEFICIARY_PROJECTIONS_RENDER_H_
