// beneficiary-query: the read models of the Beneficiary service, from its events topics.
#include "beneficiary/query_service/process.h"
#include "beneficiary/query_service/settings.h"
#include "daybook/observe/program.h"

int main(int argc, char** argv) {
  return daybook::observe::RunProgram(
      argc, argv,
      {.program = "beneficiary-query",
       .about = "Serves queries over the beneficiaries of clients, from the events topics.",
       .version = BENEFICIARY_VERSION,
       .env_prefix = "QUERY"},
      beneficiary::query::ReadSettings,
      daybook::observe::ServeUntilShutdown<beneficiary::query::Process, beneficiary::query::Settings>);
}
