// Executes commands on the RocksDB store in argv[1] through the runtime, twice with one id; prints what came of them.
#include <iostream>
#include <string>

#include "daybook/base/status.h"
#include "daybook/runtime/executor.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "meter.h"

namespace {

using daybook::runtime::CommandOutcome;

std::string Text(const CommandOutcome& outcome) {
  static constexpr const char* kNames[] = {"committed", "unchanged", "rejected"};
  return std::string(kNames[static_cast<int>(outcome.result)]) +
         " revision=" + std::to_string(outcome.revision.value()) + (outcome.duplicate ? " duplicate" : "");
}

absl::Status Run(const std::string& path) {
  DAYBOOK_ASSIGN_OR_RETURN(auto store, daybook::store::OpenRocksEventStore({.path = path}));
  DAYBOOK_ASSIGN_OR_RETURN(auto partition, daybook::runtime::Partition::Start({}, *store));
  daybook::runtime::Executor<meter::Meter> meters(*partition);

  meter::v1::Install install;
  install.set_place("cellar");
  DAYBOOK_ASSIGN_OR_RETURN(CommandOutcome installed, meters.ExecuteAndWait("m-1", install, {}));
  std::cout << "install: " << Text(installed) << "\n";

  meter::v1::Read read;
  read.set_kwh(42);
  daybook::runtime::CommandOptions options;
  options.id = daybook::CommandId(*daybook::Uuid::Parse("157402e8-078d-5764-bea8-198235e56fd6"));
  for (int i = 0; i < 2; ++i) {
    DAYBOOK_ASSIGN_OR_RETURN(CommandOutcome outcome, meters.ExecuteAndWait("m-1", read, options));
    std::cout << "read: " << Text(outcome) << "\n";
  }
  DAYBOOK_ASSIGN_OR_RETURN(auto loaded, meters.Load("m-1"));
  std::cout << "state: " << loaded.state.kwh() << " kWh in the " << loaded.state.place() << "\n";
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = Run(argc > 1 ? argv[1] : "data");
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
