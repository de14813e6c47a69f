#ifndef BENEFICIARY_DOMAIN_CHECKS_H_
#define BENEFICIARY_DOMAIN_CHECKS_H_

#include <cstddef>
#include <string_view>

namespace beneficiary {

// Checks of single values, by the public rules of each scheme.
//
//   CheckIban("ES9121000418450200051332") == IbanFault::kNone
//
// Thread safety: pure functions. Every text is taken as it is: no blanks are dropped, no case is folded.

enum class IbanFault {
  kNone,
  kFormat,    // not two letters, two digits and up to 30 letters and digits, upper case
  kCountry,   // the registry has no IBAN of this country
  kLength,    // not as long as this country's are
  kChecksum,  // ISO 7064 mod 97 is not 1
};

// Structure, country and length by the IBAN registry, and the check digits.
IbanFault CheckIban(std::string_view text);

// Whether an account at a bank in `bank_country` can have this IBAN: its own country, or one whose IBANs serve it too
// (GB for Jersey). Precondition: CheckIban gave kNone.
bool IbanIsOfCountry(std::string_view iban, std::string_view bank_country);

// ISO 9362: ^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$
bool IsBic(std::string_view text);

// Letters 5 and 6. Precondition: IsBic.
std::string_view CountryOfBic(std::string_view bic);

// Nine digits, of which 3-7-1 weighted sums are a multiple of ten.
bool IsAba(std::string_view text);

// Eighteen digits, of which the last one checks the others with weights 3-7-1.
bool IsClabe(std::string_view text);

// ^\d{6}$, ^\d{6}$, ^\d{9}$, ^[A-Z]{4}0[A-Z0-9]{6}$
bool IsSortCode(std::string_view text);
bool IsBsb(std::string_view text);
bool IsTransit(std::string_view text);
bool IsIfsc(std::string_view text);

// One address of ASCII local part and domain (labels may hold other letters), with a dot in the domain.
bool IsEmailAddress(std::string_view text);

// Only a-z A-Z 0-9 / - ? : ( ) . , ' + and blank.
bool IsSwiftX(std::string_view text);

// ISO 3166-1 alpha-2 in use, and XK.
bool IsCountryCode(std::string_view text);

// ISO 4217 shape: ^[A-Z]{3}$
bool HasCurrencyShape(std::string_view text);

// "EBPCLI" and six digits.
bool IsClientId(std::string_view text);

// Nothing, or white space only.
bool IsBlank(std::string_view text);

// Characters (code points) of UTF-8 text, as varchar(n) counts them.
std::size_t CountCharacters(std::string_view text);

// Whether the whole text matches a pattern of literals, \d, [classes with ranges], and {n} or {n,m} behind them,
// between ^ and $. Anything else in a pattern matches nothing.
bool MatchesPattern(std::string_view pattern, std::string_view text);

}  // namespace beneficiary

#endif  // BENEFICIARY_DOMAIN_CHECKS_H_
