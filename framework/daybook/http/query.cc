#include "daybook/http/query.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace daybook::http {
namespace {

constexpr std::size_t kParametersMax = 1000;

enum class Plus { kLiteral, kSpace };

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Decodes what can be decoded; false if a '%' was not followed by two digits (it is kept).
bool Unescape(std::string_view text, Plus plus, std::string& out) {
  bool well_formed = true;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '+' && plus == Plus::kSpace) {
      out.push_back(' ');
    } else if (c != '%') {
      out.push_back(c);
    } else if (i + 2 < text.size() && HexValue(text[i + 1]) >= 0 && HexValue(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(HexValue(text[i + 1]) << 4 | HexValue(text[i + 2])));
      i += 2;
    } else {
      well_formed = false;
      out.push_back(c);
    }
  }
  return well_formed;
}

absl::StatusOr<std::string> DecodeStrictly(std::string_view text, Plus plus) {
  std::string out;
  if (!Unescape(text, plus, out)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", ToAbsl(ReplaceInvalidUtf8(text)), "\" has a '%' that two hexadecimal digits do not follow"));
  }
  if (out.find('\0') != std::string::npos || !IsValidUtf8(out)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", ToAbsl(ReplaceInvalidUtf8(text)), "\" is not UTF-8 without NUL after percent-decoding"));
  }
  return out;
}

absl::StatusOr<std::string> Decode(std::string_view text, QuerySyntax syntax) {
  if (syntax == QuerySyntax::kStrict) return DecodeStrictly(text, Plus::kSpace);
  std::string out;
  const bool well_formed = Unescape(text, Plus::kSpace, out);
  return well_formed && IsValidUtf8(out) ? out : ReplaceInvalidUtf8(out);
}

std::string Latin1ToUtf8(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else {
      out.push_back(static_cast<char>(0xc0 | byte >> 6));
      out.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<Query> Query::Parse(std::string_view raw, QuerySyntax syntax) {
  // Django takes unescaped bytes that are not UTF-8 for Latin-1.
  if (syntax == QuerySyntax::kLenient && !IsValidUtf8(raw)) return Parse(Latin1ToUtf8(raw), syntax);
  Query query;
  while (!raw.empty()) {
    const std::string_view piece = raw.substr(0, raw.find('&'));
    raw.remove_prefix(std::min(raw.size(), piece.size() + 1));
    if (piece.empty()) continue;
    if (query.items_.size() == kParametersMax) {
      return absl::InvalidArgumentError(absl::StrCat("query string: more than ", kParametersMax, " parameters"));
    }
    const std::size_t equals = piece.find('=');
    absl::StatusOr<std::string> name = Decode(piece.substr(0, equals), syntax);
    if (!name.ok()) return Annotate(name.status(), "query string: name");
    absl::StatusOr<std::string> value =
        Decode(equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1), syntax);
    if (!value.ok()) return Annotate(value.status(), "query parameter " + *name);
    query.items_.emplace_back(*std::move(name), *std::move(value));
  }
  return query;
}

std::optional<std::string_view> Query::Last(std::string_view name) const {
  for (auto it = items_.rbegin(); it != items_.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return std::nullopt;
}

std::vector<std::string_view> Query::All(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [item_name, value] : items_) {
    if (item_name == name) values.push_back(value);
  }
  return values;
}

absl::StatusOr<std::string> PercentDecode(std::string_view text) { return DecodeStrictly(text, Plus::kLiteral); }

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kUnreserved = "-._~";
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alphanumeric || kUnreserved.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return out;
}

}  // namespace daybook::http
