#ifndef DAYBOOK_CDC_INTERNAL_COLUMN_TEXT_H_
#define DAYBOOK_CDC_INTERNAL_COLUMN_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace daybook::cdc::internal {

// ISO 8601 as Debezium writes timestamptz, years of any length, "infinity" too. Beyond int64 microseconds it saturates
// to the infinities. nullopt: not a time.
std::optional<std::int64_t> ParseTimestampText(std::string_view text);

// Numeric in decimal digits, possibly with an exponent, or NaN in any case ("NaN" then). nullopt: not a number.
std::optional<std::string> ParseDecimalText(std::string_view text);

// Numeric as base64 of a big-endian two's complement number of `scale` digits after the point.
std::optional<std::string> ParseDecimalBase64(std::string_view base64, int scale);

// A binary floating point number with `scale` digits after the point.
std::string DecimalFromDouble(double number, int scale);

}  // namespace daybook::cdc::internal

#endif  // DAYBOOK_CDC_INTERNAL_COLUMN_TEXT_H_
