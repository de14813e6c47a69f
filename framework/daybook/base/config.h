#ifndef DAYBOOK_BASE_CONFIG_H_
#define DAYBOOK_BASE_CONFIG_H_

#include <string>
#include <vector>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Defines a setting: its type, name, group in --help, default and one sentence. At namespace scope of a .cc file.
// Types: bool, int, std::int64_t, double, std::string, std::vector<std::string> (commas), absl::Duration ("10s"),
// absl::Time, and any with AbslParseFlag.
//
//   DAYBOOK_FLAG(std::string, http_address, "Edges", "127.0.0.1:8080", "where the REST API listens");
//   std::string address = daybook::FlagValue(FLAGS_http_address);
#define DAYBOOK_FLAG(type, name, group, default_value, help) ABSL_FLAG(type, name, default_value, group "\x1f" help)

// Makes a setting that another file defines known to this one: DAYBOOK_DECLARE_FLAG(std::string, http_address);
#define DAYBOOK_DECLARE_FLAG(type, name) ABSL_DECLARE_FLAG(type, name)

namespace daybook {

// The setting's value. Thread safety: from any thread, once ParseConfig has returned.
template <class T>
T FlagValue(const absl::Flag<T>& flag) {
  return absl::GetFlag(flag);
}

struct ConfigOptions {
  std::string program;  // shown by --help and --version: "beneficiary"
  std::string about;    // one sentence for --help
  std::string version;  // for --version
  std::string
      env_prefix;  // "BENEFICIARY": the setting http_address is BENEFICIARY_HTTP_ADDRESS; "" = environment unused
};

// Sets every DAYBOOK_FLAG from where it is given: command line over environment over file over default.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto arguments, ParseConfig(argc, argv, {.program = "beneficiary",
//                                                                     .env_prefix = "BENEFICIARY"}));
//
// Command line: --name=value, --name value, --name and --noname for a bool; "--" ends it. The last one wins. What is no
// flag is returned, in order. --config=FILE (or PREFIX_CONFIG) names the file: lines "name = value", blank lines, and
// lines that start with '#'; blanks around name and value go; a name at most once.
// --help prints every setting, by group, with its default and sentence, and exits with 0; so does --version.
//
// Errors: kInvalidArgument for an unknown name or a bad value, with its place ("FILE:LINE", "environment variable X",
// "command line"), also if a stronger source overrides it; kNotFound and kPermissionDenied for the file. After an error
// the settings are unspecified. Every variable that starts with PREFIX_ counts as meant for us: a container platform
// that injects names of its own needs another prefix.
//
// Thread safety: once, before other threads read settings.
absl::StatusOr<std::vector<std::string>> ParseConfig(int argc, char** argv, const ConfigOptions& options);

// The same for the first line of main: an error goes to standard error, and the program exits with 2.
std::vector<std::string> ParseConfigOrExit(int argc, char** argv, const ConfigOptions& options);

// For a main that ends with an error: writes why to standard error, after the program's name.
void SayWhyItEnds(const ConfigOptions& options, const absl::Status& why);

// What --help prints.
std::string ConfigHelp(const ConfigOptions& options);

// Every setting as "name = value", sorted, one a line, in the file's form: what is in force now.
std::string ConfigInForce();

}  // namespace daybook

#endif  // DAYBOOK_BASE_CONFIG_H_
