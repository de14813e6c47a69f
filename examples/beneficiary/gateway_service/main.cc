// beneficiary-gateway: from the live topics of BOS's tables to the topics of beneficiary and client commands.
#include <algorithm>
#include <iostream>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "beneficiary/gateway_service/process.h"
#include "beneficiary/gateway_service/replay.h"
#include "beneficiary/gateway_service/settings.h"
#include "daybook/base/status.h"
#include "daybook/observe/program.h"

namespace {

using beneficiary::BosSource;
using beneficiary::gateway_service::Process;
using beneficiary::gateway_service::Settings;

constexpr absl::Duration kReplayTimeout = absl::Minutes(10);

absl::Status Replay(const Settings& settings) {
  const std::string& topic = settings.replay_dead_letters;
  const auto source = std::find_if(settings.live.sources.begin(), settings.live.sources.end(),
                                   [&](const BosSource& s) { return absl::StartsWith(topic, s.prefix + "."); });
  if (source == settings.live.sources.end()) return absl::NotFoundError(topic + " is a topic of none of --bos");
  DAYBOOK_ASSIGN_OR_RETURN(const auto bus, daybook::bus::OpenKafkaBus(settings.kafka));
  DAYBOOK_ASSIGN_OR_RETURN(const beneficiary::ReplayReport report,
                           beneficiary::ReplayDeadLetters(*bus, *source, topic, kReplayTimeout));
  std::cout << report.sent << " dead letters sent back, " << report.sent_before << " had been before" << std::endl;
  return absl::OkStatus();
}

absl::Status Run(const Settings& settings) {
  if (!settings.replay_dead_letters.empty()) return Replay(settings);
  return daybook::observe::ServeUntilShutdown<Process>(settings);
}

}  // namespace

int main(int argc, char** argv) {
  return daybook::observe::RunProgram(
      argc, argv,
      {.program = "beneficiary-gateway",
       .about = "Turns the captured changes of BOS's tables into commands, one per beneficiary or client that changed.",
       .version = BENEFICIARY_VERSION,
       .env_prefix = "GATEWAY"},
      beneficiary::gateway_service::ReadSettings, Run);
}
