#include "beneficiary/projections/internal/text.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstdint>

namespace beneficiary::internal {

namespace {

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
char UpperAsciiChar(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

icu::UnicodeString FromUtf8(std::string_view text) {
  return icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
}

std::string ToUtf8(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string UpperAscii(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), UpperAsciiChar);
  return out;
}

std::string NormaliseIban(std::string_view text) {
  std::string stripped;
  std::copy_if(text.begin(), text.end(), std::back_inserter(stripped), [](char c) { return c != ' '; });
  if (IsAscii(stripped)) return UpperAscii(stripped);
  return ToUtf8(FromUtf8(stripped).toUpper(icu::Locale::getRoot()));
}

std::vector<std::string> SearchForms(std::string_view text) {
  if (IsAscii(text)) {
    std::string folded(text);
    std::transform(folded.begin(), folded.end(), folded.begin(), LowerAscii);
    return {std::move(folded)};
  }
  icu::UnicodeString plain = FromUtf8(text);
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  icu::UnicodeString composed = U_SUCCESS(error) ? nfc->normalize(plain, error) : plain;
  if (U_FAILURE(error)) composed = plain;
  std::vector<std::string> out = {ToUtf8(plain.foldCase(U_FOLD_CASE_DEFAULT))};
  composed.foldCase(U_FOLD_CASE_DEFAULT);
  if (nfc != nullptr) {
    error = U_ZERO_ERROR;
    icu::UnicodeString again = nfc->normalize(composed, error);
    if (U_SUCCESS(error)) composed = again;
  }
  std::string second = ToUtf8(composed);
  if (second != out.front()) out.push_back(std::move(second));
  return out;
}

bool StartsWithFolded(const std::vector<std::string_view>& forms, const std::vector<std::string>& q) {
  if (forms.empty() || q.empty()) return false;
  return forms.front().starts_with(q.front()) || forms.back().starts_with(q.back());
}

std::string EncodeBase64Url(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    count += 8;
    while (count >= 6) {
      count -= 6;
      out.push_back(kAlphabet[bits >> count & 63]);
    }
  }
  if (count > 0) out.push_back(kAlphabet[bits << (6 - count) & 63]);
  return out;
}

std::optional<std::string> DecodeBase64Url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> count & 0xff));
    }
  }
  if ((bits & ((1u << count) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace beneficiary::internal
