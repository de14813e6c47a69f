#ifndef BENEFICIARY_PROJECTIONS_INTERNAL_TEXT_H_
#define BENEFICIARY_PROJECTIONS_INTERNAL_TEXT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace beneficiary::internal {

// What the `iban` filters compare: blanks (U+0020) removed, upper-cased as Unicode does without a language.
std::string NormaliseIban(std::string_view text);

// ASCII letters upper-cased: currencies and country codes.
std::string UpperAscii(std::string_view text);

// The forms under which a text is found without regard to case: Unicode's full case folding of the text as it is, then
// of its NFC form where that gives another one.
std::vector<std::string> SearchForms(std::string_view text);

// True if a text with these search forms starts with `q`: its first form with q's first, its last with q's last.
bool StartsWithFolded(const std::vector<std::string_view>& forms, const std::vector<std::string>& q);

// Base64 with the URL alphabet (RFC 4648 section 5), without padding.
std::string EncodeBase64Url(std::string_view bytes);
// nullopt: another alphabet, or bits left over.
std::optional<std::string> DecodeBase64Url(std::string_view text);

}  // namespace beneficiary::internal

#endif  // BENEFICIARY_PROJECTIONS_INTERNAL_TEXT_H_
