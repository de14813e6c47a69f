#include "beneficiary/switch/masking.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "beneficiary/switch/internal/json_text.h"
#include "daybook/base/hash.h"
#include "daybook/base/shape.h"
#include "daybook/base/strings.h"
#include "daybook/http/query.h"

namespace beneficiary::switching {

namespace json = boost::json;
using daybook::ToAbsl;
using internal::ToView;

namespace {

std::string Fingerprint(std::string_view text, std::uint64_t key) {
  std::string keyed;
  daybook::AppendBigEndian64(keyed, key);
  keyed.append(text);
  return absl::StrFormat("%04x", daybook::Hash64(keyed) & 0xffff);
}

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& known) { return absl::EqualsIgnoreCase(known, ToAbsl(name)); });
}

json::value MaskValue(const json::value& value, std::string_view member, const MaskingRules& rules) {
  if (const json::object* object = value.if_object()) {
    json::object masked;
    for (const auto& [name, inner] : *object) masked[name] = MaskValue(inner, ToView(name), rules);
    return masked;
  }
  if (const json::array* array = value.if_array()) {
    json::array masked;
    for (const json::value& inner : *array) masked.push_back(MaskValue(inner, member, rules));
    return masked;
  }
  if (value.is_bool() || value.is_null() || Contains(rules.plain_members, member)) return value;
  const std::string text = value.is_string() ? std::string(ToView(value.get_string())) : json::serialize(value);
  if (text.empty()) return value;
  return json::value(json::string_view(MaskText(text, rules.key)));
}

std::string MaskJson(const std::string& text, std::string_view member, const MaskingRules& rules) {
  if (text.empty()) return "";
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error) return MaskText(text, rules.key);
  return json::serialize(MaskValue(value, member, rules));
}

// Cut between characters.
std::string Cut(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80) --bytes_max;
  return text.substr(0, bytes_max) + "…";
}

std::string WithoutBlanks(std::string_view text) {
  std::string kept;
  std::copy_if(text.begin(), text.end(), std::back_inserter(kept), [](char c) { return !absl::ascii_isspace(c); });
  return kept;
}

std::string HintOf(const Difference& difference) {
  if (difference.kind == Difference::Kind::kOrder) return "the same, in another order";
  const bool text = difference.kind == Difference::Kind::kText;
  if (!text && difference.kind != Difference::Kind::kValue && difference.kind != Difference::Kind::kHeader) return "";
  const std::string& bos = difference.bos;
  const std::string& daybook = difference.daybook;
  if (bos.empty() || daybook.empty()) return "";
  if (absl::EqualsIgnoreCase(bos, daybook)) return "only upper and lower case";
  if (WithoutBlanks(bos) == WithoutBlanks(daybook)) return "only blanks";
  if (bos == "null" || daybook == "null" || bos == "\"\"" || daybook == "\"\"") return "empty on one side";
  if (bos.front() != '"' || daybook.front() != '"') return "";
  const auto [at, other] = std::mismatch(bos.begin(), bos.end(), daybook.begin(), daybook.end());
  return absl::StrCat("from byte ", at - bos.begin(), " on; ", bos.size() - 2, " and ", daybook.size() - 2, " bytes");
}

}  // namespace

std::string MaskText(std::string_view text, std::uint64_t key) {
  return absl::StrCat(daybook::ShapeOf(text), " #", Fingerprint(text, key));
}

MaskedDifference Mask(const Difference& difference, const MaskingRules& rules) {
  MaskedDifference masked{difference.kind, difference.place,   difference.pattern, difference.pointer,
                          difference.bos,  difference.daybook, HintOf(difference)};
  const auto cut = [&] {
    masked.bos = Cut(std::move(masked.bos), rules.text_bytes_max);
    masked.daybook = Cut(std::move(masked.daybook), rules.text_bytes_max);
    return masked;
  };
  if (difference.kind == Difference::Kind::kStatus || difference.kind == Difference::Kind::kOrder) return cut();
  std::string_view member;
  MaskingRules with_headers = rules;
  if (difference.kind == Difference::Kind::kHeader) {
    member = std::string_view(difference.place).substr(std::string_view("header ").size());
    with_headers.plain_members = rules.plain_headers;
  } else {
    // The last name that is no index: an alias is masked as aliases are.
    for (const absl::string_view segment : absl::StrSplit(difference.pattern, '/')) {
      if (!segment.empty() && segment != "*") member = daybook::ToStd(segment);
    }
  }
  masked.bos = MaskJson(difference.bos, member, with_headers);
  masked.daybook = MaskJson(difference.daybook, member, with_headers);
  return cut();
}

std::string MaskTarget(std::string_view target, std::uint64_t key) {
  const std::size_t question = target.find('?');
  std::string masked(target.substr(0, question));
  if (question == std::string_view::npos) return masked;
  const auto query = daybook::http::Query::Parse(target.substr(question + 1), daybook::http::QuerySyntax::kLenient);
  if (!query.ok()) return masked + "?…";
  char separator = '?';
  for (const auto& [name, value] : query->items()) {
    const bool plain = name == "client_id" || name == "page" || name == "page_size";
    absl::StrAppend(&masked, absl::string_view(&separator, 1), name, "=", plain ? value : MaskText(value, key));
    separator = '&';
  }
  return Cut(std::move(masked), 500);
}

}  // namespace beneficiary::switching
