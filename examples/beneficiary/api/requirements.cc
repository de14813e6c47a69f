#include "beneficiary/api/requirements.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "beneficiary/projections/render.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"

namespace beneficiary::api {

using daybook::ToAbsl;

namespace {

absl::Status BadParameter(std::string_view name, std::string_view expected) {
  return daybook::WithReason(
      absl::InvalidArgumentError(absl::StrCat("Parameter ", ToAbsl(name), ": expected ", ToAbsl(expected), ".")),
      "BAD_PARAMETER");
}

bool IsLetters(std::string_view text, std::size_t count) {
  return text.size() == count && std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isalpha(c); });
}

void AppendTextOrNull(std::string_view text, std::string& out) {
  if (text.empty()) {
    out += "null";
  } else {
    AppendJsonString(text, LineSeparators::kRaw, out);
  }
}

}  // namespace

absl::StatusOr<std::vector<Requirement>> FindRequirements(std::string_view bank_country, std::string_view currency,
                                                          std::string_view type) {
  if (!IsLetters(bank_country, 2)) return BadParameter("bank_country", "two letters, as in ES");
  if (!IsLetters(currency, 3)) return BadParameter("currency", "three letters, as in EUR");
  types::v1::EntityType entity = types::v1::ENTITY_TYPE_BUSINESS;
  if (type == "personal") {
    entity = types::v1::ENTITY_TYPE_PERSONAL;
  } else if (!type.empty() && type != "business") {
    return BadParameter("type", "business or personal");
  }
  return Requirements(absl::AsciiStrToUpper(ToAbsl(bank_country)), absl::AsciiStrToUpper(ToAbsl(currency)), entity);
}

std::string RenderRequirements(const std::vector<Requirement>& requirements) {
  std::string out = "{\"rules\":[";
  for (const Requirement& rule : requirements) {
    if (out.back() != '[') out.push_back(',');
    out += "{\"field\":";
    AppendJsonString(rule.field, LineSeparators::kRaw, out);
    absl::StrAppend(&out, ",\"required\":", rule.required ? "true" : "false", ",\"pattern\":");
    AppendTextOrNull(rule.pattern, out);
    out += ",\"check\":";
    AppendTextOrNull(rule.check, out);
    out.push_back('}');
  }
  out += "]}";
  return out;
}

}  // namespace beneficiary::api
