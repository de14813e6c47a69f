#ifndef BENEFICIARY_DOMAIN_INTERNAL_FIELDS_H_
#define BENEFICIARY_DOMAIN_INTERNAL_FIELDS_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "beneficiary/types/v1/types.pb.h"

// The text fields of the domain's messages as tables, so that comparing, merging and patching are loops and a field
// forgotten in one of them is forgotten in none. Include from this folder's .cc files only.
namespace beneficiary::internal {

template <class M>
struct TextField {
  std::string_view name;
  const std::string& (M::*get)() const;
  std::string* (M::*edit)();
};

using AddressField = TextField<types::v1::Address>;
inline constexpr std::array<AddressField, 9> kAddressFields = {{
    {"address_line_1", &types::v1::Address::address_line_1, &types::v1::Address::mutable_address_line_1},
    {"street_name", &types::v1::Address::street_name, &types::v1::Address::mutable_street_name},
    {"building_number", &types::v1::Address::building_number, &types::v1::Address::mutable_building_number},
    {"floor", &types::v1::Address::floor, &types::v1::Address::mutable_floor},
    {"apartment_office_number", &types::v1::Address::apartment_office_number,
     &types::v1::Address::mutable_apartment_office_number},
    {"city", &types::v1::Address::city, &types::v1::Address::mutable_city},
    {"state_region", &types::v1::Address::state_region, &types::v1::Address::mutable_state_region},
    {"post_code", &types::v1::Address::post_code, &types::v1::Address::mutable_post_code},
    {"country_code", &types::v1::Address::country_code, &types::v1::Address::mutable_country_code},
}};

using RegulatoryField = TextField<types::v1::Regulatory>;
inline constexpr std::array<RegulatoryField, 6> kRegulatoryFields = {{
    {"inn", &types::v1::Regulatory::inn, &types::v1::Regulatory::mutable_inn},
    {"kpp", &types::v1::Regulatory::kpp, &types::v1::Regulatory::mutable_kpp},
    {"kio", &types::v1::Regulatory::kio, &types::v1::Regulatory::mutable_kio},
    {"kbk", &types::v1::Regulatory::kbk, &types::v1::Regulatory::mutable_kbk},
    {"vo", &types::v1::Regulatory::vo, &types::v1::Regulatory::mutable_vo},
    {"russian_central_bank_account", &types::v1::Regulatory::russian_central_bank_account,
     &types::v1::Regulatory::mutable_russian_central_bank_account},
}};

// The scalar text fields; type and email_notification are handled beside them.
using DetailsField = TextField<types::v1::Details>;
inline constexpr std::array<DetailsField, 4> kDetailsTextFields = {{
    {"name", &types::v1::Details::name, &types::v1::Details::mutable_name},
    {"reference_information", &types::v1::Details::reference_information,
     &types::v1::Details::mutable_reference_information},
    {"reason_for_trade", &types::v1::Details::reason_for_trade, &types::v1::Details::mutable_reason_for_trade},
    {"purpose_code", &types::v1::Details::purpose_code, &types::v1::Details::mutable_purpose_code},
}};

// The account's own text columns; swift_code is not among them: like the bank, it is a row that accounts share.
using AccountField = TextField<types::v1::BankAccount>;
inline constexpr std::array<AccountField, 9> kAccountTextFields = {{
    {"account_holder", &types::v1::BankAccount::account_holder, &types::v1::BankAccount::mutable_account_holder},
    {"currency", &types::v1::BankAccount::currency, &types::v1::BankAccount::mutable_currency},
    {"iban", &types::v1::BankAccount::iban, &types::v1::BankAccount::mutable_iban},
    {"account_number", &types::v1::BankAccount::account_number, &types::v1::BankAccount::mutable_account_number},
    {"bank_identifier", &types::v1::BankAccount::bank_identifier, &types::v1::BankAccount::mutable_bank_identifier},
    {"bank_identifier_type", &types::v1::BankAccount::bank_identifier_type,
     &types::v1::BankAccount::mutable_bank_identifier_type},
    {"correspondent_swift_code", &types::v1::BankAccount::correspondent_swift_code,
     &types::v1::BankAccount::mutable_correspondent_swift_code},
    {"correspondent_account", &types::v1::BankAccount::correspondent_account,
     &types::v1::BankAccount::mutable_correspondent_account},
    {"daily_limit", &types::v1::BankAccount::daily_limit, &types::v1::BankAccount::mutable_daily_limit},
}};

inline constexpr AccountField kSwiftCodeField = {"swift_code", &types::v1::BankAccount::swift_code,
                                                 &types::v1::BankAccount::mutable_swift_code};

using BankField = TextField<types::v1::Bank>;
inline constexpr std::array<BankField, 3> kBankFields = {{
    {"bank.name", &types::v1::Bank::name, &types::v1::Bank::mutable_name},
    {"bank.country_code", &types::v1::Bank::country_code, &types::v1::Bank::mutable_country_code},
    {"bank.address_line_1", &types::v1::Bank::address_line_1, &types::v1::Bank::mutable_address_line_1},
}};

// Names of the fields that differ, in table order.
std::vector<std::string> ChangedFields(const types::v1::Details& a, const types::v1::Details& b);
std::vector<std::string> ChangedFields(const types::v1::Address& a, const types::v1::Address& b);
std::vector<std::string> ChangedFields(const types::v1::Regulatory& a, const types::v1::Regulatory& b);
std::vector<std::string> ChangedFields(const types::v1::BankAccount& a, const types::v1::BankAccount& b);

// Whether a field of the account's own row differs: anything but swift_code and bank.
bool OwnRowDiffers(const types::v1::BankAccount& a, const types::v1::BankAccount& b);

// Sets in `ours` each field in which `theirs` differs from `base`.
void MergeChanged(const types::v1::Details& base, const types::v1::Details& theirs, types::v1::Details& ours);
void MergeChanged(const types::v1::Address& base, const types::v1::Address& theirs, types::v1::Address& ours);
void MergeChanged(const types::v1::Regulatory& base, const types::v1::Regulatory& theirs, types::v1::Regulatory& ours);
void MergeChanged(const types::v1::BankAccount& base, const types::v1::BankAccount& theirs,
                  types::v1::BankAccount& ours);

}  // namespace beneficiary::internal

#endif  // BENEFICIARY_DOMAIN_INTERNAL_FIELDS_H_
