#include "beneficiary/api/conditions.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "daybook/base/strings.h"

namespace beneficiary::api {

using daybook::Revision;
using daybook::ToAbsl;
using daybook::ToStd;

namespace {

std::string_view Trim(std::string_view s) { return ToStd(absl::StripAsciiWhitespace(ToAbsl(s))); }

// Splits at any of `separators` outside quoted strings.
std::vector<std::string_view> SplitUnquoted(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && separators.find(text[i]) != std::string_view::npos) {
      out.push_back(Trim(text.substr(begin, i - begin)));
      begin = i + 1;
    }
  }
  out.push_back(Trim(text.substr(begin)));
  return out;
}

// The characters of an entity tag or token between quotes; nullopt if it is not one quoted string.
std::optional<std::string_view> Unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  if (text.find('"') != std::string_view::npos) return std::nullopt;
  return text;
}

std::optional<int> ParseSeconds(std::string_view text) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return seconds;
}

}  // namespace

std::string EntityTag(Revision revision) { return absl::StrCat("\"", revision.value(), "\""); }

absl::StatusOr<IfMatch> IfMatch::Parse(std::string_view header) {
  const std::string_view text = Trim(header);
  if (text == "*") return IfMatch{Kind::kAnything, Revision()};
  // A weak tag never matches strongly.
  const bool weak = text.substr(0, 2) == "W/";
  const std::optional<std::string_view> tag = Unquote(weak ? text.substr(2) : text);
  if (!tag) {
    return absl::InvalidArgumentError("If-Match must be one entity tag in quotes, as in \"7\", or *.");
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(tag->data(), tag->data() + tag->size(), number);
  const bool canonical = error == std::errc() && end == tag->data() + tag->size() && number > 0 && (*tag)[0] != '0';
  if (weak || !canonical) return IfMatch{Kind::kNothing, Revision()};
  return IfMatch{Kind::kRevision, Revision(number)};
}

bool NoneMatchNames(std::string_view header, std::string_view tag) {
  if (Trim(header) == "*") return true;
  for (std::string_view each : SplitUnquoted(header, ",")) {
    if (each.substr(0, 2) == "W/") each.remove_prefix(2);
    if (each == tag) return true;
  }
  return false;
}

absl::StatusOr<Prefer> Prefer::Parse(const std::vector<std::string_view>& headers) {
  Prefer prefer;
  for (const std::string_view header : headers) {
    for (const std::string_view each : SplitUnquoted(header, ",;")) {
      const std::size_t equals = each.find('=');
      const std::string_view name = Trim(each.substr(0, equals));
      std::string_view value = equals == std::string_view::npos ? std::string_view() : Trim(each.substr(equals + 1));
      if (const auto unquoted = Unquote(value)) value = *unquoted;
      if (absl::EqualsIgnoreCase(ToAbsl(name), "wait")) {
        const std::optional<int> seconds = ParseSeconds(value);
        if (!seconds || *seconds > kWaitSecondsMax) {
          return absl::InvalidArgumentError(
              absl::StrCat("Prefer: wait must be whole seconds from 0 to ", kWaitSecondsMax, "."));
        }
        if (!prefer.wait) prefer.wait = absl::Seconds(*seconds);  // RFC 7240: the first one counts
      } else if (absl::EqualsIgnoreCase(ToAbsl(name), "models") && prefer.models.empty()) {
        for (absl::string_view model : absl::StrSplit(ToAbsl(value), absl::ByAnyChar(", "), absl::SkipEmpty())) {
          prefer.models.emplace_back(model);
        }
        if (prefer.models.empty()) {
          return absl::InvalidArgumentError("Prefer: models must name read models, as in models=\"list.v1\".");
        }
      }
    }
  }
  return prefer;
}

std::string Prefer::Applied() const {
  std::string out = absl::StrCat("wait=", absl::ToInt64Seconds(wait.value_or(absl::ZeroDuration())));
  if (!models.empty()) absl::StrAppend(&out, ", models=\"", absl::StrJoin(models, " "), "\"");
  return out;
}

absl::Status CheckIdempotencyKey(std::string_view key) {
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (key.empty() || key.size() > 128 || !printable) {
    return absl::InvalidArgumentError("Idempotency-Key must be 1 to 128 printable ASCII characters.");
  }
  return absl::OkStatus();
}

}  // namespace beneficiary::api
