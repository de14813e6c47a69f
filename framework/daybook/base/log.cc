#include "daybook/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json.hpp>
#include <cmath>

#include "daybook/base/clock.h"
#include "daybook/base/strings.h"

namespace daybook {
namespace {

spdlog::logger& Logger() {
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger("daybook", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

boost::json::string_view ToBoost(std::string_view s) { return boost::json::string_view(s.data(), s.size()); }

// What JSON cannot hold is written as the nearest text that it can: the line must parse whatever is logged.
boost::json::value ToJson(const std::string& text) { return boost::json::string(ToBoost(ReplaceInvalidUtf8(text))); }
boost::json::value ToJson(std::int64_t number) { return number; }
boost::json::value ToJson(bool flag) { return flag; }
boost::json::value ToJson(double number) {
  if (std::isfinite(number)) return number;
  return boost::json::string(std::isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
}

}  // namespace

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  spdlog::logger& logger = Logger();
  if (!logger.should_log(ToSpdlog(level))) return;
  boost::json::object line;
  line["time"] = FormatTimestamp(Clock::System().Now());
  line["level"] = ToBoost(Name(level));
  line["message"] = ToJson(std::string(message));
  for (const LogField& field : fields) {
    std::visit([&](const auto& value) { line[ToBoost(field.name)] = ToJson(value); }, field.value);
  }
  logger.log(ToSpdlog(level), boost::json::serialize(line));
}

void SetLogLevel(LogLevel level) { Logger().set_level(ToSpdlog(level)); }

}  // namespace daybook
