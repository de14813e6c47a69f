#include "beneficiary/domain/identity.h"

#include <algorithm>

namespace beneficiary {

namespace {

std::string BosName(std::string_view instance, std::string_view kind, std::string_view pk) {
  std::string out = "bos-";
  out.append(instance).append(kind).append(pk);
  return out;
}

// Decimal digits of any length with a sign.
struct Number {
  bool is_number = false;
  bool negative = false;
  std::string_view digits;  // without leading zeros; zero is empty
};

Number ParseNumber(std::string_view text) {
  Number out;
  out.negative = text.starts_with('-');
  if (out.negative) text.remove_prefix(1);
  if (text.empty() || !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) return out;
  out.is_number = true;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  out.digits = text;
  if (text.empty()) out.negative = false;
  return out;
}

int CompareMagnitudes(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

}  // namespace

std::string BosBeneficiaryName(std::string_view instance, std::string_view pk) {
  return BosName(instance, ":beneficiary:", pk);
}

std::string BosBankAccountName(std::string_view instance, std::string_view pk) {
  return BosName(instance, ":bank_account:", pk);
}

std::string BosClientName(std::string_view instance, std::string_view pk) { return BosName(instance, ":client:", pk); }

std::string CreatedBankAccountName(const daybook::CommandId& command_id, std::size_t index) {
  return command_id.ToString() + ":" + std::to_string(index);
}

int CompareLegacyIds(std::string_view a, std::string_view b) {
  const Number x = ParseNumber(a);
  const Number y = ParseNumber(b);
  if (x.is_number != y.is_number) return x.is_number ? -1 : 1;
  if (!x.is_number) return a.compare(b);
  if (x.negative != y.negative) return x.negative ? -1 : 1;
  return x.negative ? CompareMagnitudes(y.digits, x.digits) : CompareMagnitudes(x.digits, y.digits);
}

}  // namespace beneficiary
