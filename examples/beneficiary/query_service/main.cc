// beneficiary-query: the read models of the Beneficiary service, from its events topics.
#include <iostream>

#include "absl/status/status.h"
#include "beneficiary/query_service/process.h"
#include "beneficiary/query_service/settings.h"
#include "daybook/base/config.h"
#include "daybook/base/status.h"
#include "daybook/observe/shutdown_signal.h"

namespace {

absl::Status Serve(const beneficiary::query::Settings& settings) {
  DAYBOOK_ASSIGN_OR_RETURN(const auto shutdown, daybook::observe::ShutdownSignal::Install());
  DAYBOOK_ASSIGN_OR_RETURN(const auto process, beneficiary::query::Process::Start(settings));
  shutdown->Wait();
  process->Stop();
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments =
      daybook::ParseConfigOrExit(argc, argv,
                                 {.program = "beneficiary-query",
                                  .about = "Serves queries over the beneficiaries of clients, from the events topics.",
                                  .version = BENEFICIARY_VERSION,
                                  .env_prefix = "QUERY"});
  const auto settings = beneficiary::query::ReadSettings();
  absl::Status usable = settings.status();
  if (!arguments.empty()) usable = absl::InvalidArgumentError("not a flag: " + arguments.front());
  if (!usable.ok()) {
    std::cerr << "beneficiary-query: " << usable.message() << std::endl;
    return 2;
  }
  if (const absl::Status done = Serve(*settings); !done.ok()) {
    std::cerr << "beneficiary-query: " << done.message() << std::endl;
    return 1;
  }
  return 0;
}
