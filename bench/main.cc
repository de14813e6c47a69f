#include <cstdio>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "harness/report.h"
#include "scenarios/scenarios.h"

ABSL_FLAG(std::string, filter, "", "run only the scenarios whose name matches this regular expression");
ABSL_FLAG(std::string, json, "", "also write the rows as JSON to this file");
ABSL_FLAG(std::string, directory, "build/bench-data", "scratch directory on the disk to measure; removed at the end");
ABSL_FLAG(absl::Duration, duration, absl::Seconds(2), "length of one measurement");
ABSL_FLAG(int, rounds, 3, "pairs of measurements per row");

namespace daybook::bench {

std::string NewDirectory(const Settings& settings) {
  static int next = 0;
  const std::string path = absl::StrCat(settings.directory, "/", next++);
  std::filesystem::create_directories(path);
  return path;
}

namespace {

struct Scenario {
  const char* name;
  const char* what;
  void (*run)(const Settings&, Report&);
};

constexpr Scenario kScenarios[] = {
    {"append", "one synced append beside write and fdatasync", BenchAppend},
    {"commands", "commands/s beside a bare writer and a raw log", BenchCommands},
    {"replay", "events/s of a fold of the whole log beside a raw scan", BenchReplay},
    {"page", "client/beneficiaries of 50 over HTTP beside bare Beast", BenchPage},
    {"gateway", "records/s through the gateway beside parsing them", BenchGateway},
};

int Run() {
  Settings settings;
  settings.directory = absl::GetFlag(FLAGS_directory);
  settings.duration = absl::GetFlag(FLAGS_duration);
  settings.rounds = absl::GetFlag(FLAGS_rounds);
  const std::regex filter(absl::GetFlag(FLAGS_filter));
  Report report;
  for (const Scenario& scenario : kScenarios) {
    if (!std::regex_search(scenario.name, filter)) continue;
    std::fprintf(stderr, "%s: %s …\n", scenario.name, scenario.what);
    std::filesystem::remove_all(settings.directory);
    scenario.run(settings, report);
  }
  std::filesystem::remove_all(settings.directory);
  if (report.rows().empty()) {
    std::fprintf(stderr, "no scenario matches --filter=%s\n", absl::GetFlag(FLAGS_filter).c_str());
    return 2;
  }
  std::fputs(report.ToTable().c_str(), stdout);
  if (const std::string json = absl::GetFlag(FLAGS_json); !json.empty()) {
    if (const absl::Status written = report.WriteJson(json); !written.ok()) {
      std::fprintf(stderr, "%s\n", written.ToString().c_str());
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace daybook::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Measures Daybook beside its floors, in pairs, and prints the ratios.");
  absl::ParseCommandLine(argc, argv);
  return daybook::bench::Run();
}
