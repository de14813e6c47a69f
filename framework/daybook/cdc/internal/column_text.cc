#include "daybook/cdc/internal/column_text.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "daybook/base/strings.h"
#include "daybook/cdc/value.h"

namespace daybook::cdc::internal {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr std::int64_t kYearMax = 1'000'000;  // beyond PostgreSQL's, far below overflow
constexpr std::size_t kDecimalDigitsMax = 200'000;

// Days since 1970-01-01 in the proleptic Gregorian calendar, by counting years from March so that the leap day is last.
std::int64_t DaysFromDate(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool AtEnd() const { return at_ == text_.size(); }

  // The number in the next `min` to `max` digits.
  std::optional<std::int64_t> Digits(std::size_t min, std::size_t max) {
    std::int64_t number = 0;
    std::size_t count = 0;
    while (count < max && at_ < text_.size() && absl::ascii_isdigit(static_cast<unsigned char>(text_[at_]))) {
      number = number * 10 + (text_[at_++] - '0');
      ++count;
    }
    if (count < min) return std::nullopt;
    return number;
  }

  // Up to nine digits after the point, as microseconds.
  std::optional<std::int64_t> FractionMicros() {
    std::int64_t micros = 0;
    int count = 0;
    for (; at_ < text_.size() && absl::ascii_isdigit(static_cast<unsigned char>(text_[at_])); ++at_, ++count) {
      if (count < 6) micros = micros * 10 + (text_[at_] - '0');
    }
    if (count == 0 || count > 9) return std::nullopt;
    for (; count < 6; ++count) micros *= 10;
    return micros;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<std::int64_t> ParseOffsetSeconds(Reader& in) {
  if (in.Take('Z') || in.Take('z')) return 0;
  const bool minus = in.Take('-');
  if (!minus && !in.Take('+')) return std::nullopt;
  const std::optional<std::int64_t> hours = in.Digits(2, 2);
  if (!hours) return std::nullopt;
  std::optional<std::int64_t> minutes = 0;
  if (in.Take(':')) minutes = in.Digits(2, 2);
  if (!minutes || *hours > 18 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = *hours * 3600 + *minutes * 60;
  return minus ? -seconds : seconds;
}

}  // namespace

std::optional<std::int64_t> ParseTimestampText(std::string_view text) {
  if (text == "infinity") return kInfiniteFuture;
  if (text == "-infinity") return kInfinitePast;
  Reader in(text);
  const bool negative = in.Take('-');
  if (!negative) in.Take('+');
  const auto year = in.Digits(4, 7);
  if (!year || *year > kYearMax || !in.Take('-')) return std::nullopt;
  const auto month = in.Digits(2, 2);
  if (!month || !in.Take('-')) return std::nullopt;
  const auto day = in.Digits(2, 2);
  if (!day || !(in.Take('T') || in.Take(' '))) return std::nullopt;
  const auto hour = in.Digits(2, 2);
  if (!hour || !in.Take(':')) return std::nullopt;
  const auto minute = in.Digits(2, 2);
  if (!minute) return std::nullopt;
  std::optional<std::int64_t> second = 0;
  if (in.Take(':')) second = in.Digits(2, 2);
  std::optional<std::int64_t> micros = 0;
  if (in.Take('.')) micros = in.FractionMicros();
  if (!second || !micros) return std::nullopt;
  const auto offset = ParseOffsetSeconds(in);
  if (!offset || !in.AtEnd()) return std::nullopt;
  if (*month < 1 || *month > 12 || *day < 1 || *day > 31 || *hour > 24 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  const std::int64_t days = DaysFromDate(negative ? -*year : *year, *month, *day);
  const std::int64_t seconds = days * kSecondsPerDay + *hour * 3600 + *minute * 60 + *second - *offset;
  constexpr std::int64_t kSecondsMax = std::numeric_limits<std::int64_t>::max() / kMicrosPerSecond - 1;
  if (seconds > kSecondsMax) return kInfiniteFuture;
  if (seconds < -kSecondsMax) return kInfinitePast;
  return seconds * kMicrosPerSecond + *micros;
}

std::optional<std::string> ParseDecimalText(std::string_view text) {
  if (absl::EqualsIgnoreCase(ToAbsl(text), "nan")) return "NaN";
  std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  std::size_t digits = 0;
  bool point = false;
  for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
    if (absl::ascii_isdigit(static_cast<unsigned char>(text[at]))) {
      ++digits;
    } else if (text[at] == '.' && !point) {
      point = true;
    } else {
      return std::nullopt;
    }
  }
  if (digits == 0 || text.size() > kDecimalDigitsMax) return std::nullopt;
  if (at < text.size()) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (at == text.size()) return std::nullopt;
    for (; at < text.size(); ++at) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(text[at]))) return std::nullopt;
    }
  }
  return std::string(text);
}

std::optional<std::string> ParseDecimalBase64(std::string_view base64, int scale) {
  std::string bytes;
  if (!absl::Base64Unescape(ToAbsl(base64), &bytes) || bytes.empty() || bytes.size() > 4096 || scale < 0 ||
      scale > 20'000) {
    return std::nullopt;
  }
  const bool negative = (static_cast<unsigned char>(bytes[0]) & 0x80) != 0;
  if (negative) {  // magnitude = complement + 1
    int carry = 1;
    for (std::size_t i = bytes.size(); i-- > 0;) {
      const int byte = (~static_cast<unsigned char>(bytes[i]) & 0xff) + carry;
      bytes[i] = static_cast<char>(byte & 0xff);
      carry = byte >> 8;
    }
  }
  constexpr std::uint64_t kChunk = 1'000'000'000;
  std::vector<std::uint64_t> chunks = {0};  // base 10^9, least significant first
  for (const char c : bytes) {
    std::uint64_t carry = static_cast<unsigned char>(c);
    for (std::uint64_t& chunk : chunks) {
      const std::uint64_t next = chunk * 256 + carry;
      chunk = next % kChunk;
      carry = next / kChunk;
    }
    if (carry != 0) chunks.push_back(carry);
  }
  std::string digits = absl::StrCat(chunks.back());
  for (std::size_t i = chunks.size() - 1; i-- > 0;) absl::StrAppendFormat(&digits, "%09d", chunks[i]);
  const auto places = static_cast<std::size_t>(scale);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  if (places > 0) digits.insert(digits.size() - places, 1, '.');
  return negative ? absl::StrCat("-", digits) : digits;
}

std::string DecimalFromDouble(double number, int scale) {
  if (std::isnan(number)) return "NaN";
  return absl::StrFormat("%.*f", std::clamp(scale, 0, 100), number);
}

}  // namespace daybook::cdc::internal
