#ifndef DAYBOOK_CDC_INTERNAL_JSON_TEXT_H_
#define DAYBOOK_CDC_INTERNAL_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace daybook::cdc::internal {

// Appends `text` as a JSON string with its quotes. Precondition: well-formed UTF-8.
void AppendJsonString(std::string_view text, std::string& out);

}  // namespace daybook::cdc::internal

#endif  // DAYBOOK_CDC_INTERNAL_JSON_TEXT_H_
