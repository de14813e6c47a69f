// beneficiary-switch: client/beneficiaries from BOS or from Daybook, compared while both run.
#include "beneficiary/switch/process.h"
#include "beneficiary/switch/settings.h"
#include "daybook/observe/program.h"

int main(int argc, char** argv) {
  return daybook::observe::RunProgram(
      argc, argv,
      {.program = "beneficiary-switch",
       .about = "Answers client/beneficiaries from BOS or from Daybook, and compares the two.",
       .version = BENEFICIARY_VERSION,
       .env_prefix = "SWITCH"},
      beneficiary::switching::ReadSettings,
      daybook::observe::ServeUntilShutdown<beneficiary::switching::Process, beneficiary::switching::Settings>);
}
