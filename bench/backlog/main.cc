// daybook_backlog: a backlog of a million recorded changes, parsed, taken in from memory, or put on topics. What
// `./dev bench backlog` runs.
#include <cstdio>
#include <filesystem>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "backlog/measures.h"
#include "backlog/recorded_backlog.h"
#include "daybook/base/status.h"

ABSL_FLAG(std::string, action, "parse",
          "parse: the change parser alone; commands: through a gateway; models: to every read model; "
          "produce: to topics; describe: what the backlog is");
ABSL_FLAG(std::string, records, "tests/fixtures/bos-a/records.ndjson.gz", "the recording that is copied");
ABSL_FLAG(int, copies, 152, "how many copies; 152 of bos-a are a million records");
ABSL_FLAG(std::string, directory, "build/bench-backlog", "scratch directory on the disk to measure");
ABSL_FLAG(std::string, kafka_brokers, "", "produce: where to");

namespace daybook::bench {
namespace {

absl::StatusOr<double> Measure(const RecordedBacklog& backlog, const std::string& action) {
  const auto copies = static_cast<std::uint64_t>(absl::GetFlag(FLAGS_copies));
  const std::string directory = absl::StrCat(absl::GetFlag(FLAGS_directory), "/", action);
  if (action == "describe") return 0.0;
  if (action == "parse") return ParseAlone(backlog, copies);
  if (action == "produce") return Produce(backlog, copies, absl::GetFlag(FLAGS_kafka_brokers));
  if (action != "commands" && action != "models") return absl::InvalidArgumentError("no such action: " + action);
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  const absl::StatusOr<double> seconds =
      action == "commands" ? ToCommands(backlog, copies, directory) : ToReadModels(backlog, copies, directory);
  std::filesystem::remove_all(directory);
  return seconds;
}

// One line of JSON.
void Print(const RecordedBacklog& backlog, const std::string& action, double seconds) {
  const int copies = absl::GetFlag(FLAGS_copies);
  std::string topics;
  for (const auto& [topic, partitions] : backlog.partition_counts()) {
    absl::StrAppend(&topics, topics.empty() ? "" : ",", "\"", topic, "\":", partitions);
  }
  std::printf(
      "{\"action\":\"%s\",\"copies\":%d,\"records\":%llu,\"client_stride\":%llu,\"topics\":{%s},"
      "\"seconds\":%.6f}\n",
      action.c_str(), copies,
      static_cast<unsigned long long>(backlog.records_per_copy()) * static_cast<unsigned long long>(copies),
      static_cast<unsigned long long>(backlog.client_stride()), topics.c_str(), seconds);
}

absl::Status Run() {
  if (absl::GetFlag(FLAGS_copies) < 1) return absl::InvalidArgumentError("--copies must be at least 1");
  DAYBOOK_ASSIGN_OR_RETURN(const auto backlog, RecordedBacklog::Open(absl::GetFlag(FLAGS_records)));
  const std::string action = absl::GetFlag(FLAGS_action);
  DAYBOOK_ASSIGN_OR_RETURN(const double seconds, Measure(*backlog, action));
  Print(*backlog, action, seconds);
  return absl::OkStatus();
}

}  // namespace
}  // namespace daybook::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Measures how a backlog of recorded changes is taken in; prints one line of JSON.");
  absl::ParseCommandLine(argc, argv);
  if (const absl::Status done = daybook::bench::Run(); !done.ok()) {
    std::fprintf(stderr, "daybook_backlog: %s\n", done.ToString().c_str());
    return 1;
  }
  return 0;
}
