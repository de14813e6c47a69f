#ifndef DAYBOOK_BASE_LOG_H_
#define DAYBOOK_BASE_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace daybook {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// One named value of a log line.
struct LogField {
  std::string_view name;
  std::variant<std::string, std::int64_t, double, bool> value;
};

// Writes one JSON object on one line to standard error: {"time":…,"level":…,"message":…, fields…}.
//
//   Log(LogLevel::kInfo, "partition opened", {{"path", path}, {"events", std::int64_t{42}}});
//
// Thread safety: from any thread. Never blocks on anything but standard error. Personal data does not belong in a
// field.
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

// Lines below `level` are dropped; kInfo at start.
void SetLogLevel(LogLevel level);

}  // namespace daybook

#endif  // DAYBOOK_BASE_LOG_H_
