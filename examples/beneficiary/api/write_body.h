#ifndef BENEFICIARY_API_WRITE_BODY_H_
#define BENEFICIARY_API_WRITE_BODY_H_

#include <string>
#include <string_view>
#include <vector>

#include "beneficiary/commands/v1/commands.pb.h"
#include "daybook/core/decision.h"

namespace beneficiary::api {

// What the body of a write came to.
//
//   Body<commands::v1::AddBankAccount> body = ReadAddBankAccount(request.body());
//   if (!body.malformed.empty()) return Problem(400, body.malformed);
//   if (!body.broken_rules.empty()) return Problem(422, body.broken_rules);
//   Use(body.command, body.canonical);
//
// Thread safety: a value type.
// Invariants:
//   1. Every finding is there at once, with the JSON pointer of its place.
//   2. malformed: not JSON, not UTF-8, a wrong type, an unknown field, a word that is none of the allowed ones.
//      broken_rules: what only the text can show (null where a value must stay); the aggregate judges everything else.
template <class Command>
struct Body {
  Command command;
  std::string canonical;  // RFC 8785 text of the document, for the fingerprint; "" if there was none
  std::vector<daybook::Violation> malformed;
  std::vector<daybook::Violation> broken_rules;
};

// POST …/beneficiaries: the writable fields of a beneficiary. client_id is not part of it.
Body<commands::v1::RegisterBeneficiary> ReadRegister(std::string_view text);

// PATCH …/{id}: a merge patch (RFC 7396) over the scalar fields, address, regulatory and email_addresses.
Body<commands::v1::AmendBeneficiary> ReadAmend(std::string_view text);

// POST …/bank-accounts: a bank account without id and status.
Body<commands::v1::AddBankAccount> ReadAddBankAccount(std::string_view text);

// PATCH …/bank-accounts/{account_id}: a merge patch over a bank account. account_id is not part of it.
Body<commands::v1::AmendBankAccount> ReadAmendBankAccount(std::string_view text);

// POST …:screening-result.
Body<commands::v1::RecordScreeningResult> ReadScreeningResult(std::string_view text);

// For requests that have nothing to say: no body, or {}.
struct Nothing {};
Body<Nothing> ReadNothing(std::string_view text);

}  // namespace beneficiary::api

#endif  // BENEFICIARY_API_WRITE_BODY_H_
