#ifndef BENEFICIARY_DOMAIN_TESTS_BUILDERS_H_
#define BENEFICIARY_DOMAIN_TESTS_BUILDERS_H_

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "beneficiary/domain/beneficiary.h"
#include "daybook/testing/spec.h"

namespace beneficiary {

using BeneficiarySpec = daybook::testing::Spec<Beneficiary>;
using daybook::Code;

// The message that this protobuf text describes; of a field given twice the last one counts.
template <class M>
M Make(std::string_view text = "") {
  M out;
  if (!google::protobuf::TextFormat::MergeFromString(std::string(text), &out)) {
    ADD_FAILURE() << "no " << M::descriptor()->full_name() << ": " << std::string(text);
  }
  return out;
}

inline constexpr std::string_view kAccountA =
    R"(id: "a" currency: "EUR" iban: "ES9121000418450200051332" swift_code: "CAIXESBBXXX"
       bank { name: "CaixaBank" country_code: "ES" } active: true )";
inline constexpr std::string_view kAccountB =
    R"(id: "b" currency: "EUR" iban: "DE89370400440532013000" bank { country_code: "DE" } active: true )";

inline std::string Quoted(std::string_view field, std::string_view text) {
  return std::string(field) + " { " + std::string(text) + " } ";
}

inline events::v1::BankAccountAdded AccountAdded(std::string_view account) {
  return Make<events::v1::BankAccountAdded>(Quoted("bank_account", account));
}

// An active one, registered here at 1,000 us with account "a" unless `rest` says more.
inline events::v1::BeneficiaryRegistered RegisteredHere(std::string_view rest = "") {
  return Make<events::v1::BeneficiaryRegistered>(
      R"(id: "x" client_id: "EBPCLI000042" details { name: "Acme" type: ENTITY_TYPE_BUSINESS } active: true
         screening { status: SCREENING_STATUS_PENDING } origin { system: "daybook" id: "x" }
         created_at_us: 1000 updated_at_us: 1000 )" +
      Quoted("bank_accounts", kAccountA) + std::string(rest));
}

}  // namespace beneficiary

#endif  // BENEFICIARY_DOMAIN_TESTS_BUILDERS_H_
