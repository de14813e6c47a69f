#ifndef BENEFICIARY_SWITCH_SETTINGS_H_
#define BENEFICIARY_SWITCH_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/switch/mode.h"
#include "beneficiary/switch/switch.h"

namespace beneficiary::switching {

// Every setting of beneficiary-switch, as the command line, the environment (SWITCH_…) and --config give it.
//
//   daybook::ParseConfigOrExit(argc, argv, {.program = "beneficiary-switch", .env_prefix = "SWITCH"});
//   DAYBOOK_ASSIGN_OR_RETURN(Settings settings, ReadSettings());
//
// Thread safety: a value type. docs/reference/switch.md lists them.
struct Settings {
  std::string data_dir;
  std::string http_address;
  std::string admin_address;
  std::vector<std::string> admin_host_names;
  int http_threads = 1;
  absl::Duration drain_timeout;
  Mode initial_mode = Mode::kBos;
  SwitchOptions options;
};

// kInvalidArgument: a setting that makes no sense; the message names it.
absl::StatusOr<Settings> ReadSettings();

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_SETTINGS_H_
