#include "beneficiary/api/internal/json_text.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "beneficiary/api/internal/canonical_json.h"

namespace beneficiary::api::internal {

namespace json = boost::json;

namespace {

// Members of all objects in a text that is JSON: each has one colon outside of strings.
std::size_t MembersWritten(std::string_view text) {
  std::size_t members = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == ':') {
      ++members;
    }
  }
  return members;
}

std::size_t MembersKept(const json::value& value) {
  std::size_t members = 0;
  if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) members += MembersKept(element);
  } else if (const json::object* object = value.if_object()) {
    for (const json::key_value_pair& member : *object) members += 1 + MembersKept(member.value());
  }
  return members;
}

}  // namespace

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
  json::value value = parser.release();
  // The parser keeps the last of several members of one name; which one was meant, nobody knows.
  if (MembersWritten(text) != MembersKept(value)) {
    malformed.push_back({"", "DUPLICATE_FIELD", "An object names one of its fields twice."});
    return std::nullopt;
  }
  return value;
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += CanonicalJson(json::value(json::string_view(text.data(), text.size())));
}

}  // namespace beneficiary::api::internal
