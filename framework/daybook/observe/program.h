#ifndef DAYBOOK_OBSERVE_PROGRAM_H_
#define DAYBOOK_OBSERVE_PROGRAM_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/base/config.h"
#include "daybook/base/status.h"
#include "daybook/observe/shutdown_signal.h"

namespace daybook::observe {

// The main of a program: settings from command line, environment and file (base/config.h), then what it does with them.
//
//   int main(int argc, char** argv) {
//     return daybook::observe::RunProgram(argc, argv, {.program = "demo", .about = "…", .env_prefix = "DEMO"},
//                                         ReadSettings, daybook::observe::ServeUntilShutdown<Process, Settings>);
//   }
//
// Returns the exit code: 0; 2 if the settings cannot be used (what is on the command line and no flag included); 1 if
// `run` failed. Why is on standard error, after the program's name.
// Thread safety: once, before other threads.
template <class Settings>
int RunProgram(int argc, char** argv, const ConfigOptions& about, absl::StatusOr<Settings> (*read)(),
               absl::Status (*run)(const Settings&)) {
  const auto fail = [&about](const absl::Status& why, int code) {
    SayWhyItEnds(about, why);
    return code;
  };
  const std::vector<std::string> arguments = ParseConfigOrExit(argc, argv, about);
  if (!arguments.empty()) return fail(absl::InvalidArgumentError("not a flag: " + arguments.front()), 2);
  const absl::StatusOr<Settings> settings = read();
  if (!settings.ok()) return fail(settings.status(), 2);
  const absl::Status done = run(*settings);
  return done.ok() ? 0 : fail(done, 1);
}

// Starts a `Process`, whose Start(settings) gives an absl::StatusOr of a pointer to it, and stops it in order after the
// first SIGTERM or SIGINT. Errors: as Start, and as ShutdownSignal::Install.
template <class Process, class Settings>
absl::Status ServeUntilShutdown(const Settings& settings) {
  DAYBOOK_ASSIGN_OR_RETURN(const auto shutdown, ShutdownSignal::Install());
  DAYBOOK_ASSIGN_OR_RETURN(const auto process, Process::Start(settings));
  shutdown->Wait();
  process->Stop();
  return absl::OkStatus();
}

}  // namespace daybook::observe

#endif  // DAYBOOK_OBSERVE_PROGRAM_H_
