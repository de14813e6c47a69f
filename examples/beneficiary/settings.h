#ifndef BENEFICIARY_SETTINGS_H_
#define BENEFICIARY_SETTINGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace beneficiary {

// Every setting of the process, as the command line, the environment (BENEFICIARY_…) and --config give it.
//
//   daybook::ParseConfigOrExit(argc, argv, SettingsSource());
//   Settings settings = ReadSettings();
//
// Thread safety: a value type. docs/reference/configuration.md lists them.
struct Settings {
  std::string data_dir;
  std::string http_address;
  std::string grpc_address;
  std::string admin_address;
  int http_threads = 1;
  std::string identity_header;
  absl::Duration outcome_retention;
  absl::Duration drain_timeout;
  std::string bos_records;
  std::string bos_instance;
  std::string compat_instance;
  enum class Mode { kServe, kDryRun, kVerify } mode = Mode::kServe;
};

Settings ReadSettings();

// kInvalidArgument: settings that do not go together; the message names them.
absl::Status CheckSettings(const Settings& settings);

}  // namespace beneficiary

#endif  // BENEFICIARY_SETTINGS_H_
