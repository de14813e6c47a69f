#ifndef BENEFICIARY_DOMAIN_INTERNAL_RULES_H_
#define BENEFICIARY_DOMAIN_INTERNAL_RULES_H_

#include <cstddef>
#include <span>
#include <string_view>

// data/validation_rules.json as tables. Include from this folder's .cc files only.
namespace beneficiary::internal {

struct FieldData {
  std::string_view pointer;  // "/bank_accounts/0/iban"; 0 stands for any index
  bool required;
  std::string_view unless;   // not required if this field is given; "" = always
  std::string_view pattern;  // "" = any
  std::string_view check;    // "" = none
  std::string_view code;     // of the violation when the pattern does not match
};

struct AccountData {
  std::string_view bank_countries;  // separated by blanks; "*" = all others
  std::string_view currency;        // or "*"
  std::string_view entity_type;     // "business", "personal" or "*"
  std::span<const FieldData> fields;
};

// What the metadata endpoint shows for a check that is more than a pattern and has none in the table.
struct CheckPattern {
  std::string_view check;
  std::string_view pattern;
};

struct TextData {
  std::string_view group;  // of internal/fields.h
  std::string_view field;
  std::string_view pointer;  // below the group's own
  std::size_t length_max;    // in characters, as BOS's column counts them
  bool swift_x;              // only the SWIFT X characters
};

struct CountryNumber {
  std::string_view country;
  std::size_t number;
};

struct CountryList {
  std::string_view country;
  std::string_view others;  // separated by blanks
};

#include "beneficiary/domain/validation_rules.inc"

// Whether a blank-separated list of two-letter codes has this one.
constexpr bool HasCode(std::string_view list, std::string_view code) {
  if (code.size() != 2) return false;
  for (std::size_t at = 0; at + 2 <= list.size(); at += 3) {
    if (list.substr(at, 2) == code) return true;
  }
  return false;
}

}  // namespace beneficiary::internal

#endif  // BENEFICIARY_DOMAIN_INTERNAL_RULES_H_
