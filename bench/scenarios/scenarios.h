#ifndef DAYBOOK_BENCH_SCENARIOS_SCENARIOS_H_
#define DAYBOOK_BENCH_SCENARIOS_SCENARIOS_H_

#include <string>

#include "absl/time/time.h"
#include "harness/report.h"

namespace daybook::bench {

struct Settings {
  std::string directory;                       // scratch, on the disk that is measured; emptied by the caller
  absl::Duration duration = absl::Seconds(2);  // of one measurement
  int rounds = 3;                              // pairs of measurements
};

// Each adds its rows to the report and says on standard error what it does meanwhile.
void BenchAppend(const Settings& settings, Report& report);    // one synced append beside write + fdatasync
void BenchCommands(const Settings& settings, Report& report);  // commands/s beside the bare writer and the raw log
void BenchReplay(const Settings& settings, Report& report);    // events/s beside a scan of the same log
void BenchPage(const Settings& settings, Report& report);      // client/beneficiaries beside bare Beast
void BenchGateway(const Settings& settings, Report& report);   // records/s beside parsing them

// A new directory below settings.directory.
std::string NewDirectory(const Settings& settings);

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_SCENARIOS_SCENARIOS_H_
