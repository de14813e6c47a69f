#ifndef DAYBOOK_CDC_VALUE_H_
#define DAYBOOK_CDC_VALUE_H_

#include <cstdint>
#include <limits>
#include <string>
#include <variant>

namespace daybook::cdc {

// A number as text, exactly as many digits as the column has: "1234.5000", "-0.0001", "NaN".
struct Decimal {
  std::string text;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

// A column's value: null, bool, whole number, decimal or text. Times are whole numbers (microseconds since 1970 UTC),
// dates too (days since 1970). Thread safety: a value type.
using Value = std::variant<std::monostate, bool, std::int64_t, Decimal, std::string>;

inline bool IsNull(const Value& value) { return std::holds_alternative<std::monostate>(value); }

// PostgreSQL's 'infinity' and '-infinity' in a column of times.
inline constexpr std::int64_t kInfiniteFuture = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kInfinitePast = std::numeric_limits<std::int64_t>::min();

}  // namespace daybook::cdc

#endif  // DAYBOOK_CDC_VALUE_H_
