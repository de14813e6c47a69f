// beneficiary-switch: client/beneficiaries from BOS or from Daybook, compared while both run.
#include <iostream>

#include "absl/status/status.h"
#include "beneficiary/switch/process.h"
#include "beneficiary/switch/settings.h"
#include "daybook/base/config.h"
#include "daybook/base/status.h"
#include "daybook/observe/shutdown_signal.h"

namespace {

absl::Status Serve(const beneficiary::switching::Settings& settings) {
  DAYBOOK_ASSIGN_OR_RETURN(const auto shutdown, daybook::observe::ShutdownSignal::Install());
  DAYBOOK_ASSIGN_OR_RETURN(const auto process, beneficiary::switching::Process::Start(settings));
  shutdown->Wait();
  process->Stop();
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = daybook::ParseConfigOrExit(
      argc, argv,
      {.program = "beneficiary-switch",
       .about = "Answers client/beneficiaries from BOS or from Daybook, and compares the two.",
       .version = BENEFICIARY_VERSION,
       .env_prefix = "SWITCH"});
  auto settings = beneficiary::switching::ReadSettings();
  absl::Status usable = settings.status();
  if (!arguments.empty()) usable = absl::InvalidArgumentError("not a flag: " + arguments.front());
  if (!usable.ok()) {
    std::cerr << "beneficiary-switch: " << usable.message() << std::endl;
    return 2;
  }
  if (const absl::Status done = Serve(*settings); !done.ok()) {
    std::cerr << "beneficiary-switch: " << done.message() << std::endl;
    return 1;
  }
  return 0;
}
