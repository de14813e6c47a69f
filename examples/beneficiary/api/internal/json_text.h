#ifndef BENEFICIARY_API_INTERNAL_JSON_TEXT_H_
#define BENEFICIARY_API_INTERNAL_JSON_TEXT_H_

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daybook/core/decision.h"

namespace beneficiary::api::internal {

// Reads one JSON document (RFC 8259: UTF-8, nesting up to 32, no name twice in an object). Otherwise nullopt and a
// finding that says at which byte.
std::optional<boost::json::value> ParseJson(std::string_view text, std::vector<daybook::Violation>& malformed);

// Appends `text` in quotes, escaped; it must be UTF-8.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_JSON_TEXT_H_
