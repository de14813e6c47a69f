#include "daybook/base/config.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/flags/commandlineflag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

extern char** environ;

namespace daybook {
namespace {

constexpr char kGroupEnd = '\x1f';

struct Setting {
  absl::CommandLineFlag* flag;
  std::string group;
  std::string help;
};

using Settings = std::map<std::string, Setting, std::less<>>;

// One value of one name, and where it was given.
struct Given {
  std::string name;
  std::string value;
  std::string place;
};

// What DAYBOOK_FLAG defined; libraries' own flags are not ours to offer.
Settings AllSettings() {
  Settings settings;
  for (const auto& [name, flag] : absl::GetAllFlags()) {
    const std::string help = flag->Help();
    const std::size_t end = help.find(kGroupEnd);
    if (end == std::string::npos) continue;
    settings.emplace(std::string(name), Setting{flag, help.substr(0, end), help.substr(end + 1)});
  }
  return settings;
}

absl::Status Unknown(std::string_view place, std::string_view name) {
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(place), ": unknown setting \"", ToAbsl(name), "\"; --help lists them"));
}

bool IsBool(const Settings& settings, std::string_view name) {
  const auto it = settings.find(name);
  return it != settings.end() && it->second.flag->IsOfType<bool>();
}

struct CommandLine {
  std::vector<Given> given;
  std::vector<std::string> rest;
  std::optional<std::string> config_file;
  enum class Wants { kRun, kHelp, kVersion } wants = Wants::kRun;
};

absl::StatusOr<CommandLine> ReadCommandLine(int argc, char** argv, const Settings& settings) {
  constexpr char kPlace[] = "command line";
  CommandLine line;
  for (int i = 1; i < argc; ++i) {
    std::string_view argument = argv[i];
    if (argument == "--") {
      line.rest.insert(line.rest.end(), argv + i + 1, argv + argc);
      break;
    }
    if (!argument.starts_with("--")) {
      line.rest.emplace_back(argument);
      continue;
    }
    argument.remove_prefix(2);
    const std::size_t equals = argument.find('=');
    std::string name(argument.substr(0, equals));
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = std::string(argument.substr(equals + 1));
    if (name == "help") {
      line.wants = CommandLine::Wants::kHelp;
      continue;
    }
    if (name == "version") {
      line.wants = CommandLine::Wants::kVersion;
      continue;
    }
    if (!value && IsBool(settings, name)) value = "true";
    if (!value && name.starts_with("no") && IsBool(settings, name.substr(2))) {
      name = name.substr(2);
      value = "false";
    }
    if (name != "config" && !settings.contains(name)) return Unknown(kPlace, name);
    if (!value && i + 1 == argc) {
      return absl::InvalidArgumentError(absl::StrCat(kPlace, ": --", name, " needs a value"));
    }
    if (!value) value = argv[++i];
    if (name == "config") {
      line.config_file = *std::move(value);
    } else {
      line.given.push_back({std::move(name), *std::move(value), kPlace});
    }
  }
  return line;
}

absl::StatusOr<std::vector<Given>> ReadEnvironment(const ConfigOptions& options, const Settings& settings,
                                                   std::optional<std::string>& config_file) {
  std::vector<Given> given;
  if (options.env_prefix.empty()) return given;
  const std::string prefix = options.env_prefix + "_";
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with(prefix) || equals == std::string_view::npos) continue;
    const std::string variable(text.substr(0, equals));
    std::string name = absl::AsciiStrToLower(variable.substr(prefix.size()));
    const std::string place = "environment variable " + variable;
    if (name == "config") {
      config_file = std::string(text.substr(equals + 1));
      continue;
    }
    if (!settings.contains(name)) return Unknown(place, name);
    given.push_back({std::move(name), std::string(text.substr(equals + 1)), place});
  }
  return given;
}

std::string_view Trimmed(std::string_view text) { return ToStd(absl::StripAsciiWhitespace(ToAbsl(text))); }

absl::StatusOr<std::vector<Given>> ReadConfigFile(const std::string& path, const Settings& settings) {
  std::ifstream file(path);
  if (!file) {
    const std::string why = absl::StrCat("configuration file ", path, ": ", std::strerror(errno));
    return errno == EACCES ? absl::PermissionDeniedError(why) : absl::NotFoundError(why);
  }
  std::vector<Given> given;
  std::map<std::string, std::string, std::less<>> places;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string place = absl::StrCat(path, ":", number);
    const std::string_view text = Trimmed(line);
    if (text.empty() || text.starts_with('#')) continue;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": expected \"name = value\""));
    }
    std::string name(Trimmed(text.substr(0, equals)));
    if (!settings.contains(name)) return Unknown(place, name);
    const auto [earlier, first] = places.emplace(name, place);
    if (!first) {
      return absl::InvalidArgumentError(absl::StrCat(place, ": ", name, " is already given at ", earlier->second));
    }
    given.push_back({std::move(name), std::string(Trimmed(text.substr(equals + 1))), place});
  }
  if (file.bad()) return absl::NotFoundError(absl::StrCat("configuration file ", path, ": cannot be read"));
  return given;
}

absl::Status Apply(const std::vector<Given>& given, const Settings& settings) {
  for (const auto& [name, value, place] : given) {
    std::string why;
    if (settings.at(name).flag->ParseFrom(value, &why)) continue;
    return absl::InvalidArgumentError(absl::StrCat(place, ": ", name, ": \"", value, "\" is not allowed: ", why));
  }
  return absl::OkStatus();
}

[[noreturn]] void PrintAndExit(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  std::exit(0);
}

std::string EnvironmentNote(const ConfigOptions& options) {
  if (options.env_prefix.empty()) return "";
  return absl::StrCat(" Environment: ", options.env_prefix, "_NAME in capitals.");
}

}  // namespace

std::string ConfigHelp(const ConfigOptions& options) {
  std::map<std::string, std::string> groups;
  for (const auto& [name, setting] : AllSettings()) {
    std::string value = setting.flag->DefaultValue();
    if (setting.flag->IsOfType<std::string>()) value = "\"" + value + "\"";
    absl::StrAppend(&groups[setting.group], "  --", name, "  (default ", value, ")\n      ", setting.help, "\n");
  }
  std::string text =
      absl::StrCat(options.program, options.about.empty() ? "" : ": ", options.about, "\n\n",
                   "Settings: --name=value; or --config=FILE with lines \"name = value\".", EnvironmentNote(options),
                   "\nThe command line wins over the environment, that over ", "the file.\n");
  for (const auto& [group, lines] : groups) absl::StrAppend(&text, "\n", group, ":\n", lines);
  absl::StrAppend(&text, "\nAlways:\n  --config=FILE\n      read settings from FILE\n  --help\n      print this\n",
                  "  --version\n      print the version\n");
  return text;
}

std::string ConfigInForce() {
  std::string text;
  for (const auto& [name, setting] : AllSettings()) {
    absl::StrAppend(&text, name, " = ", setting.flag->CurrentValue(), "\n");
  }
  return text;
}

absl::StatusOr<std::vector<std::string>> ParseConfig(int argc, char** argv, const ConfigOptions& options) {
  const Settings settings = AllSettings();
  DAYBOOK_ASSIGN_OR_RETURN(CommandLine line, ReadCommandLine(argc, argv, settings));
  if (line.wants == CommandLine::Wants::kHelp) PrintAndExit(ConfigHelp(options));
  if (line.wants == CommandLine::Wants::kVersion) PrintAndExit(options.program + " " + options.version + "\n");
  std::optional<std::string> config_file;
  DAYBOOK_ASSIGN_OR_RETURN(const std::vector<Given> from_environment, ReadEnvironment(options, settings, config_file));
  if (line.config_file) config_file = line.config_file;
  if (config_file) {
    DAYBOOK_ASSIGN_OR_RETURN(const std::vector<Given> from_file, ReadConfigFile(*config_file, settings));
    DAYBOOK_RETURN_IF_ERROR(Apply(from_file, settings));
  }
  DAYBOOK_RETURN_IF_ERROR(Apply(from_environment, settings));
  DAYBOOK_RETURN_IF_ERROR(Apply(line.given, settings));
  return std::move(line.rest);
}

void SayWhyItEnds(const ConfigOptions& options, const absl::Status& why) {
  std::fprintf(stderr, "%s: %s\n", options.program.c_str(), std::string(why.message()).c_str());
}

std::vector<std::string> ParseConfigOrExit(int argc, char** argv, const ConfigOptions& options) {
  auto arguments = ParseConfig(argc, argv, options);
  if (arguments.ok()) return *std::move(arguments);
  SayWhyItEnds(options, arguments.status());
  std::exit(2);
}

}  // namespace daybook
