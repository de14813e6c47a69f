#ifndef BENEFICIARY_DOMAIN_INTERNAL_LISTS_H_
#define BENEFICIARY_DOMAIN_INTERNAL_LISTS_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <algorithm>
#include <string_view>

#include "beneficiary/domain/identity.h"
#include "beneficiary/state/v1/state.pb.h"

// The order of children: by legacy id, then those added here in the order they were added. Include from this folder's
// .cc files only.
namespace beneficiary::internal {

// Puts `row` behind every legacy row with a smaller id; a row without legacy id goes to the end.
template <class Row>
void InsertInOrder(google::protobuf::RepeatedPtrField<Row>& rows, const Row& row) {
  int place = rows.size();
  if (!row.legacy_id().empty()) {
    const auto after = std::find_if(rows.begin(), rows.end(), [&](const Row& other) {
      return other.legacy_id().empty() || CompareLegacyIds(row.legacy_id(), other.legacy_id()) < 0;
    });
    place = static_cast<int>(after - rows.begin());
  }
  *rows.Add() = row;
  std::rotate(rows.begin() + place, rows.end() - 1, rows.end());
}

// nullptr if there is none.
inline types::v1::BankAccount* FindAccount(state::v1::BeneficiaryState& s, std::string_view id) {
  for (types::v1::BankAccount& account : *s.mutable_bank_accounts()) {
    if (account.id() == id) return &account;
  }
  return nullptr;
}
inline const types::v1::BankAccount* FindAccount(const state::v1::BeneficiaryState& s, std::string_view id) {
  for (const types::v1::BankAccount& account : s.bank_accounts()) {
    if (account.id() == id) return &account;
  }
  return nullptr;
}

inline void RemoveAccount(state::v1::BeneficiaryState& s, std::string_view id) {
  auto* accounts = s.mutable_bank_accounts();
  const auto it = std::find_if(accounts->begin(), accounts->end(),
                               [&](const types::v1::BankAccount& account) { return account.id() == id; });
  if (it != accounts->end()) accounts->erase(it);
}

inline bool HasActiveAccount(const state::v1::BeneficiaryState& s) {
  return std::any_of(s.bank_accounts().begin(), s.bank_accounts().end(),
                     [](const types::v1::BankAccount& account) { return account.active(); });
}

}  // namespace beneficiary::internal

#endif  // BENEFICIARY_DOMAIN_INTERNAL_LISTS_H_
