#include "beneficiary/api/internal/json_text.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "beneficiary/api/internal/canonical_json.h"

namespace beneficiary::api::internal {

namespace json = boost::json;

std::optional<json::value> ParseJson(std::string_view text, std::vector<daybook::Violation>& malformed) {
  if (text.empty()) {
    malformed.push_back({"", "NOT_JSON", "The body is empty; a JSON document is needed."});
    return std::nullopt;
  }
  json::parser parser;
  json::error_code error;
  // write_some tells how far it came; whatever follows the document but blanks is an error too.
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos) error = json::error::extra_data;
  if (error) {
    malformed.push_back({"", "NOT_JSON", absl::StrCat("Not JSON at byte ", read, ": ", error.message(), ".")});
    return std::nullopt;
  }
  return parser.release();
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += CanonicalJson(json::value(json::string_view(text.data(), text.size())));
}

}  // namespace beneficiary::api::internal
