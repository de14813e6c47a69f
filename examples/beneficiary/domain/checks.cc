#include "beneficiary/domain/checks.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include "beneficiary/domain/internal/rules.h"

namespace beneficiary {

namespace {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool IsUpperOrDigit(char c) { return IsUpper(c) || IsDigit(c); }

template <class Predicate>
bool All(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

bool AreDigits(std::string_view text, std::size_t count) { return text.size() == count && All(text, IsDigit); }

// Sum of digits weighted 3, 7, 1, 3, 7, 1 …; only its last digit matters, so each product is cut to one.
int WeightedSum(std::string_view digits) {
  static constexpr int kWeights[] = {3, 7, 1};
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) sum += (digits[i] - '0') * kWeights[i % 3] % 10;
  return sum;
}

int Mod97(std::string_view text, int remainder) {
  for (const char c : text) {
    remainder = IsDigit(c) ? (remainder * 10 + (c - '0')) % 97 : (remainder * 100 + (c - 'A' + 10)) % 97;
  }
  return remainder;
}

std::optional<std::size_t> IbanLength(std::string_view country) {
  const auto it = std::lower_bound(std::begin(internal::kIbanLengths), std::end(internal::kIbanLengths), country,
                                   [](const internal::CountryNumber& a, std::string_view b) { return a.country < b; });
  if (it == std::end(internal::kIbanLengths) || it->country != country) return std::nullopt;
  return it->number;
}

bool IsDomainLabel(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' && All(label, [](char c) {
    return IsDigit(c) || IsUpper(c) || IsLower(c) || c == '-' || static_cast<unsigned char>(c) >= 0x80;
  });
}

bool IsLocalPart(std::string_view local) {
  static constexpr std::string_view kOthers = "!#$%&'*+/=?^_`{|}~-.";
  if (local.empty() || local.size() > 64 || local.front() == '.' || local.back() == '.') return false;
  if (local.find("..") != std::string_view::npos) return false;
  return All(local, [](char c) {
    return IsDigit(c) || IsUpper(c) || IsLower(c) || kOthers.find(c) != std::string_view::npos;
  });
}

// One step of a pattern: a set of characters and how often it occurs.
struct PatternStep {
  std::string_view set;  // what stands between the brackets, or "\d", or one literal
  bool is_class = false;
  std::size_t min = 1;
  std::size_t max = 1;

  bool Has(char c) const {
    if (set == "\\d") return IsDigit(c);
    if (!is_class) return set.size() == 1 && set[0] == c;
    for (std::size_t i = 0; i < set.size(); ++i) {
      if (i + 2 < set.size() && set[i + 1] == '-') {
        if (c >= set[i] && c <= set[i + 2]) return true;
        i += 2;
      } else if (set[i] == c) {
        return true;
      }
    }
    return false;
  }
};

std::optional<std::size_t> TakeNumber(std::string_view& rest) {
  std::size_t digits = 0;
  std::size_t value = 0;
  while (digits < rest.size() && IsDigit(rest[digits]) && digits < 6) {
    value = value * 10 + static_cast<std::size_t>(rest[digits++] - '0');
  }
  if (digits == 0) return std::nullopt;
  rest.remove_prefix(digits);
  return value;
}

// "{n}" or "{n,m}" at the start of `rest`, if there is one. False if it is broken.
bool TakeCount(std::string_view& rest, PatternStep& step) {
  if (!rest.starts_with('{')) return true;
  rest.remove_prefix(1);
  const auto min = TakeNumber(rest);
  if (!min.has_value()) return false;
  step.min = step.max = *min;
  if (rest.starts_with(',')) {
    rest.remove_prefix(1);
    const auto max = TakeNumber(rest);
    if (!max.has_value()) return false;
    step.max = *max;
  }
  if (!rest.starts_with('}')) return false;
  rest.remove_prefix(1);
  return true;
}

// Takes one step off the pattern; nullopt if the pattern uses what this dialect does not have.
std::optional<PatternStep> TakeStep(std::string_view& rest) {
  PatternStep step;
  std::size_t size = 1;
  if (rest[0] == '\\') {
    if (!rest.starts_with("\\d")) return std::nullopt;
    size = 2;
    step.set = rest.substr(0, 2);
  } else if (rest[0] == '[') {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    step.is_class = true;
    step.set = rest.substr(1, end - 1);
    size = end + 1;
  } else {
    if (std::string_view("(){}*+?|.^$").find(rest[0]) != std::string_view::npos) return std::nullopt;
    step.set = rest.substr(0, 1);
  }
  rest.remove_prefix(size);
  if (!TakeCount(rest, step)) return std::nullopt;
  return step;
}

bool MatchesFrom(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  const auto step = TakeStep(pattern);
  if (!step.has_value()) return false;
  std::size_t count = 0;
  while (count < step->max && count < text.size() && step->Has(text[count])) ++count;
  for (; count + 1 > step->min; --count) {
    if (MatchesFrom(pattern, text.substr(count))) return true;
    if (count == 0) break;
  }
  return false;
}

}  // namespace

IbanFault CheckIban(std::string_view text) {
  if (text.size() < 5 || text.size() > 34 || !IsUpper(text[0]) || !IsUpper(text[1]) || !IsDigit(text[2]) ||
      !IsDigit(text[3]) || !All(text, IsUpperOrDigit)) {
    return IbanFault::kFormat;
  }
  const auto length = IbanLength(text.substr(0, 2));
  if (!length.has_value()) return IbanFault::kCountry;
  if (text.size() != *length) return IbanFault::kLength;
  if (Mod97(text.substr(0, 4), Mod97(text.substr(4), 0)) != 1) return IbanFault::kChecksum;
  return IbanFault::kNone;
}

bool IbanIsOfCountry(std::string_view iban, std::string_view bank_country) {
  const std::string_view country = iban.substr(0, 2);
  if (country == bank_country) return true;
  for (const internal::CountryList& territories : internal::kIbanTerritories) {
    if (territories.country == country) return internal::HasCode(territories.others, bank_country);
  }
  return false;
}

bool IsBic(std::string_view text) {
  return (text.size() == 8 || text.size() == 11) && All(text.substr(0, 6), IsUpper) &&
         All(text.substr(6), IsUpperOrDigit);
}

std::string_view CountryOfBic(std::string_view bic) { return bic.substr(4, 2); }

bool IsAba(std::string_view text) { return AreDigits(text, 9) && WeightedSum(text) % 10 == 0; }

bool IsClabe(std::string_view text) {
  if (!AreDigits(text, 18)) return false;
  return (10 - WeightedSum(text.substr(0, 17)) % 10) % 10 == text[17] - '0';
}

bool IsSortCode(std::string_view text) { return AreDigits(text, 6); }
bool IsBsb(std::string_view text) { return AreDigits(text, 6); }
bool IsTransit(std::string_view text) { return AreDigits(text, 9); }

bool IsIfsc(std::string_view text) {
  return text.size() == 11 && All(text.substr(0, 4), IsUpper) && text[4] == '0' && All(text.substr(5), IsUpperOrDigit);
}

bool IsEmailAddress(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || !IsLocalPart(text.substr(0, at))) return false;
  std::string_view domain = text.substr(at + 1);
  if (domain.size() > 253 || domain.find('.') == std::string_view::npos) return false;
  while (true) {
    const std::size_t dot = domain.find('.');
    if (!IsDomainLabel(domain.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

bool IsSwiftX(std::string_view text) {
  static constexpr std::string_view kOthers = "/-?:().,'+ ";
  return All(
      text, [](char c) { return IsDigit(c) || IsUpper(c) || IsLower(c) || kOthers.find(c) != std::string_view::npos; });
}

bool IsCountryCode(std::string_view text) {
  return std::binary_search(std::begin(internal::kCountries), std::end(internal::kCountries), text);
}

bool HasCurrencyShape(std::string_view text) { return text.size() == 3 && All(text, IsUpper); }

bool IsClientId(std::string_view text) { return text.starts_with("EBPCLI") && AreDigits(text.substr(6), 6); }

bool IsBlank(std::string_view text) {
  return All(text, [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); });
}

std::size_t CountCharacters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool MatchesPattern(std::string_view pattern, std::string_view text) {
  if (!pattern.starts_with('^') || !pattern.ends_with('$')) return false;
  return MatchesFrom(pattern.substr(1, pattern.size() - 2), text);
}

}  // namespace beneficiary
