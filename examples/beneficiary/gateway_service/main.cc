// beneficiary-gateway: from the live topics of BOS's tables to the topics of beneficiary and client commands.
#include <algorithm>
#include <iostream>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "beneficiary/gateway_service/process.h"
#include "beneficiary/gateway_service/replay.h"
#include "beneficiary/gateway_service/settings.h"
#include "daybook/base/config.h"
#include "daybook/base/status.h"
#include "daybook/observe/shutdown_signal.h"

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
  DAYBOOK_ASSIGN_OR_RETURN(const auto shutdown, daybook::observe::ShutdownSignal::Install());
  DAYBOOK_ASSIGN_OR_RETURN(const auto process, Process::Start(settings));
  shutdown->Wait();
  process->Stop();
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = daybook::ParseConfigOrExit(
      argc, argv,
      {.program = "beneficiary-gateway",
       .about = "Turns the captured changes of BOS's tables into commands, one per beneficiary or client that changed.",
       .version = BENEFICIARY_VERSION,
       .env_prefix = "GATEWAY"});
  const absl::StatusOr<Settings> settings = beneficiary::gateway_service::ReadSettings();
  absl::Status usable = settings.status();
  if (!arguments.empty()) usable = absl::InvalidArgumentError("not a flag: " + arguments.front());
  if (!usable.ok()) {
    std::cerr << "beneficiary-gateway: " << usable.message() << std::endl;
    return 2;
  }
  if (const absl::Status done = Run(*settings); !done.ok()) {
    std::cerr << "beneficiary-gateway: " << done.message() << std::endl;
    return 1;
  }
  return 0;
}
