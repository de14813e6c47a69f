// The Beneficiary service: command side, query side and gateway in one process.
#include <iostream>

#include "absl/status/status.h"
#include "beneficiary/app/verify.h"
#include "beneficiary/gateway/bos_gateway.h"
#include "beneficiary/process.h"
#include "beneficiary/settings.h"
#include "daybook/base/status.h"
#include "daybook/observe/program.h"

namespace {

absl::Status Verify(const beneficiary::Settings& settings) {
  DAYBOOK_ASSIGN_OR_RETURN(const beneficiary::VerifyReport report, beneficiary::Verify(settings.data_dir));
  for (const std::string& finding : report.findings) std::cout << finding << '\n';
  std::cout << report.events << " events of " << report.streams << " streams, " << report.rows
            << " rows of read models: " << (report.findings.empty() ? "sound" : "NOT SOUND") << std::endl;
  return report.findings.empty() ? absl::OkStatus() : absl::DataLossError(settings.data_dir + " is not sound");
}

absl::Status DryRun(const beneficiary::Settings& settings) {
  beneficiary::BosGatewayOptions options;
  options.instance = settings.bos_instance;
  return beneficiary::DryRun(options, settings.bos_records, std::cout);
}

absl::Status Run(const beneficiary::Settings& settings) {
  switch (settings.mode) {
    case beneficiary::Settings::Mode::kDryRun:
      return DryRun(settings);
    case beneficiary::Settings::Mode::kVerify:
      return Verify(settings);
    case beneficiary::Settings::Mode::kServe:
      break;
  }
  return daybook::observe::ServeUntilShutdown<beneficiary::Process>(settings);
}

}  // namespace

int main(int argc, char** argv) {
  return daybook::observe::RunProgram(
      argc, argv,
      {.program = "beneficiary",
       .about = "Serves the beneficiaries of clients over REST and gRPC, from one directory.",
       .version = BENEFICIARY_VERSION,
       .env_prefix = "BENEFICIARY"},
      beneficiary::ReadSettings, Run);
}
