// beneficiary-command: executes the commands that come on topics, and publishes every event.
#include <iostream>

#include "absl/status/status.h"
#include "beneficiary/command_service/process.h"
#include "beneficiary/command_service/settings.h"
#include "daybook/base/status.h"
#include "daybook/bus/dead_letter_replay.h"
#include "daybook/observe/program.h"

namespace {

constexpr absl::Duration kReplayTimeout = absl::Minutes(10);

absl::Status Replay(const beneficiary::CommandSettings& settings) {
  DAYBOOK_ASSIGN_OR_RETURN(const auto bus, daybook::bus::OpenKafkaBus(settings.kafka));
  DAYBOOK_ASSIGN_OR_RETURN(const daybook::bus::ReplayReport report,
                           daybook::bus::ReplayDeadLetters(*bus, settings.replay_dead_letters, kReplayTimeout));
  std::cout << report.sent << " dead letters sent back; left alone: " << report.overtaken
            << " that a later command has overtaken, " << report.without_key << " without a key" << std::endl;
  return absl::OkStatus();
}

absl::Status Run(const beneficiary::CommandSettings& settings) {
  if (!settings.replay_dead_letters.empty()) return Replay(settings);
  return daybook::observe::ServeUntilShutdown<beneficiary::CommandProcess>(settings);
}

}  // namespace

int main(int argc, char** argv) {
  return daybook::observe::RunProgram(
      argc, argv,
      {.program = "beneficiary-command",
       .about = "Executes the commands of beneficiaries and clients that come on topics, and publishes every event.",
       .version = BENEFICIARY_VERSION,
       .env_prefix = "BENEFICIARY_COMMAND"},
      beneficiary::ReadCommandSettings, Run);
}
