#include "beneficiary/domain/validation.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "beneficiary/domain/checks.h"
#include "beneficiary/domain/internal/fields.h"
#include "beneficiary/domain/internal/rules.h"

namespace beneficiary {

namespace {

using daybook::Violation;
using internal::TextField;
using state::v1::BeneficiaryState;
using types::v1::BankAccount;

// A violation with what makes it the same one after its account, e-mail or alias has moved in its list.
struct Finding {
  Violation violation;
  std::string identity;
};

// A field's place: as the caller sees it, and as it stays when lists shift.
struct Place {
  std::string pointer;
  std::string stable;

  Place Below(std::string_view name) const {
    Place out = *this;
    out.pointer.append(1, '/').append(name);
    out.stable.append(1, '/').append(name);
    return out;
  }
};

class Findings {
 public:
  void Add(const Place& place, std::string_view code, std::string_view value, std::string_view detail) {
    std::string identity = place.stable;
    identity.append(1, '\0').append(code).append(1, '\0').append(value);
    findings_.push_back({{place.pointer, std::string(code), std::string(detail)}, std::move(identity)});
  }

  // Several accounts may want the same field of the beneficiary; once is enough.
  void AddOnce(const Place& place, std::string_view code, std::string_view value, std::string_view detail) {
    const bool known = std::any_of(findings_.begin(), findings_.end(), [&](const Finding& f) {
      return f.violation.pointer == place.pointer && f.violation.code == code;
    });
    if (!known) Add(place, code, value, detail);
  }

  std::vector<Finding> Take() { return std::move(findings_); }

 private:
  std::vector<Finding> findings_;
};

// A text field with its rule; the pairs are made when this file is compiled, so a field without a rule is an error.
template <class M>
struct RuledField {
  TextField<M> field;
  int rule;  // index in kTextRules; -1 = none
};

constexpr int RuleOf(std::string_view group, std::string_view field) {
  int index = 0;
  for (const internal::TextData& rule : internal::kTextRules) {
    if (rule.group == group && rule.field == field) return index;
    ++index;
  }
  return -1;
}

template <class M, std::size_t n>
constexpr std::array<RuledField<M>, n> WithRules(std::string_view group, const std::array<TextField<M>, n>& fields) {
  std::array<RuledField<M>, n> out = {};
  for (std::size_t i = 0; i < n; ++i) out[i] = {fields[i], RuleOf(group, fields[i].name)};
  return out;
}

template <class Table>
constexpr bool AllRuled(const Table& table) {
  for (const auto& entry : table) {
    if (entry.rule < 0) return false;
  }
  return true;
}

constexpr auto kDetails = WithRules("details", internal::kDetailsTextFields);
constexpr auto kAddress = WithRules("address", internal::kAddressFields);
constexpr auto kAccount = WithRules("bank_account", internal::kAccountTextFields);
constexpr auto kSwiftCode = WithRules("bank_account", std::array{internal::kSwiftCodeField});
constexpr auto kBank = WithRules("bank", internal::kBankFields);
constexpr auto kRegulatory = WithRules("regulatory", internal::kRegulatoryFields);
static_assert(AllRuled(kDetails) && AllRuled(kAddress) && AllRuled(kAccount) && AllRuled(kSwiftCode) &&
                  AllRuled(kBank) && AllRuled(kRegulatory),
              "a text field has no rule in data/validation_rules.json");
constexpr const internal::TextData& kAliasRule = internal::kTextRules[RuleOf("alias", "alias")];
constexpr const internal::TextData& kEmailRule = internal::kTextRules[RuleOf("email", "email")];

void CheckLength(const internal::TextData& rule, const Place& place, const std::string& value, Findings& out) {
  // Bytes are never fewer than characters, so most values are never counted.
  if (value.size() > rule.length_max && CountCharacters(value) > rule.length_max) {
    out.Add(place, "VALUE_TOO_LONG", value, "At most " + std::to_string(rule.length_max) + " characters fit here.");
  }
}

template <class M, std::size_t n>
void CheckTexts(const std::array<RuledField<M>, n>& table, const M& message, const Place& parent, Findings& out) {
  for (const RuledField<M>& entry : table) {
    const std::string& value = (message.*entry.field.get)();
    if (value.empty()) continue;
    const internal::TextData& rule = internal::kTextRules[entry.rule];
    if (value.size() > rule.length_max) CheckLength(rule, parent.Below(rule.pointer), value, out);
    if (rule.swift_x && !IsSwiftX(value)) {
      out.Add(parent.Below(rule.pointer), "NOT_SWIFT_X", value,
              "Only letters a-z and A-Z, digits, blanks and / - ? : ( ) . , ' + can be sent through SWIFT.");
    }
  }
}

void CheckCountry(const Place& place, const std::string& value, Findings& out) {
  if (!value.empty() && !IsCountryCode(value)) {
    out.Add(place, "COUNTRY_CODE", value, "This is no ISO 3166 two-letter country code.");
  }
}

void CheckDetails(const BeneficiaryState& s, Findings& out) {
  const Place root;
  if (IsBlank(s.details().name())) {
    out.Add(root.Below("name"), "REQUIRED", s.details().name(), "A beneficiary has a name.");
  }
  if (s.details().type() == types::v1::ENTITY_TYPE_UNSPECIFIED) {
    out.Add(root.Below("type"), "REQUIRED", "", "A beneficiary is business or personal.");
  }
  CheckTexts(kDetails, s.details(), root, out);
  CheckTexts(kAddress, s.address(), root.Below("address"), out);
  CheckCountry(root.Below("address").Below("country_code"), s.address().country_code(), out);
  CheckTexts(kRegulatory, s.regulatory(), root.Below("regulatory"), out);
}

Place Element(std::string_view list, int index, std::string_view stable_name) {
  Place out;
  out.pointer.append(1, '/').append(list).append(1, '/').append(std::to_string(index));
  out.stable.append(1, '/').append(list).append(1, '/').append(stable_name);
  return out;
}

// False if there are so many that looking at each would only bury this finding.
bool CheckCount(std::string_view list, int count, Findings& out) {
  if (count <= internal::kElementsMax) return true;
  out.Add(Place().Below(list), "TOO_MANY", "",
          "At most " + std::to_string(internal::kElementsMax) + " elements fit in this list.");
  return false;
}

void CheckLists(const BeneficiaryState& s, Findings& out) {
  if (CheckCount("aliases", s.aliases_size(), out)) {
    for (int i = 0; i < s.aliases_size(); ++i) {
      const std::string& alias = s.aliases(i).alias();
      const bool blank = IsBlank(alias);
      if (!blank && alias.size() <= kAliasRule.length_max) continue;
      const Place place = Element("aliases", i, alias);
      if (blank) out.Add(place, "REQUIRED", alias, "An alias is not blank.");
      CheckLength(kAliasRule, place, alias, out);
    }
  }
  if (!CheckCount("email_addresses", s.emails_size(), out)) return;
  for (int i = 0; i < s.emails_size(); ++i) {
    const std::string& email = s.emails(i).email();
    if (IsEmailAddress(email) && email.size() <= kEmailRule.length_max) continue;
    const Place place = Element("email_addresses", i, email);
    if (!IsEmailAddress(email)) out.Add(place, "EMAIL_FORMAT", email, "This is no e-mail address.");
    CheckLength(kEmailRule, place, email, out);
  }
}

struct Fault {
  std::string_view code;
  std::string_view detail;
};

Fault FaultOfIban(const std::string& iban, const std::string& bank_country) {
  switch (CheckIban(iban)) {
    case IbanFault::kFormat:
      return {"IBAN_FORMAT", "An IBAN is two letters, two digits, and up to 30 letters and digits, in upper case."};
    case IbanFault::kCountry:
      return {"IBAN_COUNTRY_UNKNOWN", "The IBAN registry has no such country."};
    case IbanFault::kLength:
      return {"IBAN_LENGTH", "IBANs of this country have another length."};
    case IbanFault::kChecksum:
      return {"IBAN_CHECKSUM", "The check digits of the IBAN are wrong."};
    case IbanFault::kNone:
      break;
  }
  if (!bank_country.empty() && !IbanIsOfCountry(iban, bank_country)) {
    return {"IBAN_COUNTRY", "The IBAN is of another country than the bank."};
  }
  return {};
}

Fault FaultOfBic(const std::string& bic, const std::string& bank_country) {
  if (!IsBic(bic)) return {"BIC_FORMAT", "A BIC is six letters and two or five letters or digits, in upper case."};
  if (!bank_country.empty() && CountryOfBic(bic) != bank_country) {
    return {"BIC_COUNTRY", "The letters 5 and 6 of the BIC are another country than the bank's."};
  }
  return {};
}

// What the pattern cannot say.
Fault FaultOfCheck(std::string_view check, const std::string& value) {
  if (check == "aba" && !IsAba(value)) return {"ABA_CHECKSUM", "The check digit of the ABA number is wrong."};
  if (check == "clabe" && !IsClabe(value)) return {"CLABE_CHECKSUM", "The check digit of the CLABE is wrong."};
  return {};
}

void AddFault(const Place& place, const Fault& fault, const std::string& value, Findings& out) {
  if (!fault.code.empty()) out.Add(place, fault.code, value, fault.detail);
}

// The country that the table is asked for; "" = not known.
std::string_view CountryOf(const BankAccount& a) {
  if (!a.bank().country_code().empty()) return a.bank().country_code();
  if (CheckIban(a.iban()) == IbanFault::kNone) return std::string_view(a.iban()).substr(0, 2);
  if (IsBic(a.swift_code())) return CountryOfBic(a.swift_code());
  return {};
}

std::string_view NameOf(types::v1::EntityType type) {
  switch (type) {
    case types::v1::ENTITY_TYPE_BUSINESS:
      return "business";
    case types::v1::ENTITY_TYPE_PERSONAL:
      return "personal";
    default:
      return "";
  }
}

const internal::AccountData& AccountRules(std::string_view country, std::string_view currency,
                                          types::v1::EntityType type) {
  for (const internal::AccountData& row : internal::kAccountRules) {
    const bool fits = internal::HasCode(row.bank_countries, country) && row.currency == currency &&
                      (row.entity_type == "*" || row.entity_type == NameOf(type));
    if (fits) return row;
  }
  return *(std::end(internal::kAccountRules) - 1);
}

constexpr std::string_view kAccountPrefix = "/bank_accounts/0/";

// The account's text that a pointer of the table names.
const std::string& AccountText(const BankAccount& a, std::string_view name) {
  static const std::string kNone;
  if (name == internal::kSwiftCodeField.name) return a.swift_code();
  for (const internal::AccountField& field : internal::kAccountTextFields) {
    if (field.name == name) return (a.*field.get)();
  }
  return kNone;
}

bool IsGiven(const types::v1::Address& address) {
  return std::any_of(internal::kAddressFields.begin(), internal::kAddressFields.end(),
                     [&](const internal::AddressField& field) { return !IsBlank((address.*field.get)()); });
}

// A field of the beneficiary itself that one of its accounts calls for.
void RequireOfBeneficiary(const BeneficiaryState& s, std::string_view pointer, Findings& out) {
  static constexpr std::string_view kDetail = "A payment to one of the bank accounts needs this.";
  Place place;
  place.pointer = place.stable = std::string(pointer);
  if (pointer == "/address") {
    if (!IsGiven(s.address())) out.AddOnce(place, "REQUIRED", "", kDetail);
  } else if (pointer == "/address/city") {
    if (IsGiven(s.address()) && IsBlank(s.address().city())) {
      out.AddOnce(place, "REQUIRED", s.address().city(), kDetail);
    }
  } else {
    for (const internal::DetailsField& field : internal::kDetailsTextFields) {
      const std::string& value = (s.details().*field.get)();
      if (pointer.substr(1) == field.name && IsBlank(value)) out.AddOnce(place, "REQUIRED", value, kDetail);
    }
  }
}

void CheckField(const internal::FieldData& rule, const BankAccount& a, const Place& account, Findings& out) {
  const std::string_view name = rule.pointer.substr(kAccountPrefix.size());
  const std::string& value = AccountText(a, name);
  const bool waived = !rule.unless.empty() && !IsBlank(AccountText(a, rule.unless.substr(kAccountPrefix.size())));
  if (rule.required && !waived && IsBlank(value)) {
    out.Add(account.Below(name), "REQUIRED", value, "Payments in this currency to this country need this.");
    return;
  }
  if (value.empty()) return;
  if (!rule.pattern.empty() && !MatchesPattern(rule.pattern, value)) {
    out.Add(account.Below(name), rule.code, value, "This does not have the form " + std::string(rule.pattern) + ".");
    return;
  }
  AddFault(account.Below(name), FaultOfCheck(rule.check, value), value, out);
}

void CheckByTable(const BeneficiaryState& s, const BankAccount& a, const Place& account, Findings& out) {
  const std::string_view country = CountryOf(a);
  if (country.empty()) {
    out.Add(account.Below("bank").Below("country_code"), "REQUIRED", "",
            "The country of the bank decides what a payment needs.");
    return;
  }
  bool type_is_fixed = false;
  for (const internal::FieldData& rule : AccountRules(country, a.currency(), s.details().type()).fields) {
    if (!rule.pointer.starts_with(kAccountPrefix)) {
      RequireOfBeneficiary(s, rule.pointer, out);
      continue;
    }
    type_is_fixed |= rule.code == "BANK_IDENTIFIER_TYPE";
    CheckField(rule, a, account, out);
  }
  const auto& known = internal::kBankIdentifierTypes;
  const std::string& kind = a.bank_identifier_type();
  if (!type_is_fixed && !kind.empty() && std::find(std::begin(known), std::end(known), kind) == std::end(known)) {
    out.Add(account.Below("bank_identifier_type"), "BANK_IDENTIFIER_TYPE", kind,
            "The kind is aba, sort_code, bsb, transit or ifsc.");
  }
}

void CheckAccount(const BeneficiaryState& s, int index, Findings& out) {
  const BankAccount& a = s.bank_accounts(index);
  const Place account = Element("bank_accounts", index, a.id());
  const std::string& country = a.bank().country_code();
  CheckTexts(kAccount, a, account, out);
  CheckTexts(kSwiftCode, a, account, out);
  CheckTexts(kBank, a.bank(), account, out);
  CheckCountry(account.Below("bank").Below("country_code"), country, out);
  if (!a.iban().empty()) AddFault(account.Below("iban"), FaultOfIban(a.iban(), country), a.iban(), out);
  if (!a.swift_code().empty()) {
    AddFault(account.Below("swift_code"), FaultOfBic(a.swift_code(), country), a.swift_code(), out);
  }
  if (!a.correspondent_swift_code().empty()) {
    AddFault(account.Below("correspondent").Below("swift_code"), FaultOfBic(a.correspondent_swift_code(), ""),
             a.correspondent_swift_code(), out);
  }
  if (IsBlank(a.currency())) {
    out.Add(account.Below("currency"), "REQUIRED", a.currency(), "An account has a currency.");
  } else if (!HasCurrencyShape(a.currency())) {
    out.Add(account.Below("currency"), "CURRENCY_FORMAT", a.currency(), "A currency is three upper-case letters.");
  } else {
    CheckByTable(s, a, account, out);
  }
}

std::vector<Finding> Find(const BeneficiaryState& s) {
  Findings out;
  CheckDetails(s, out);
  CheckLists(s, out);
  if (CheckCount("bank_accounts", s.bank_accounts_size(), out)) {
    for (int i = 0; i < s.bank_accounts_size(); ++i) CheckAccount(s, i, out);
  }
  return out.Take();
}

std::vector<Finding> FindInRegistered(const BeneficiaryState& s) {
  if (s.lifecycle() != BeneficiaryState::LIFECYCLE_REGISTERED) return {};
  return Find(s);
}

}  // namespace

std::vector<Violation> Validate(const BeneficiaryState& s) {
  std::vector<Violation> out;
  for (Finding& finding : FindInRegistered(s)) out.push_back(std::move(finding.violation));
  return out;
}

std::vector<Violation> IntroducedViolations(const BeneficiaryState& before, const BeneficiaryState& after) {
  std::vector<Violation> out;
  std::vector<Finding> found = FindInRegistered(after);
  if (found.empty()) return out;
  std::unordered_map<std::string, int> known;
  for (Finding& finding : FindInRegistered(before)) ++known[std::move(finding.identity)];
  for (Finding& finding : found) {
    const auto it = known.find(finding.identity);
    if (it != known.end() && it->second-- > 0) continue;
    out.push_back(std::move(finding.violation));
  }
  return out;
}

std::vector<Requirement> Requirements(std::string_view bank_country, std::string_view currency,
                                      types::v1::EntityType type) {
  std::vector<Requirement> out = {{"/name", true, "", ""}, {"/type", true, "^(business|personal)$", ""}};
  out.push_back({std::string(kAccountPrefix) + "currency", true, "^[A-Z]{3}$", ""});
  out.push_back({std::string(kAccountPrefix) + "bank/country_code", true, "^[A-Z]{2}$", ""});
  for (const internal::FieldData& rule : AccountRules(bank_country, currency, type).fields) {
    std::string_view pattern = rule.pattern;
    for (const internal::CheckPattern& shown : internal::kCheckPatterns) {
      if (pattern.empty() && shown.check == rule.check) pattern = shown.pattern;
    }
    out.push_back({std::string(rule.pointer), rule.required, std::string(pattern), std::string(rule.check)});
  }
  return out;
}

}  // namespace beneficiary
