// The outside eye of ./dev bench live: when records of a transaction reach a consumer of their topics, and when the
// query API first shows what the transaction wrote.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/bus/kafka/kafka_bus.h"
#include "live/record_watch.h"
#include "live/visible_watch.h"

ABSL_FLAG(std::string, brokers, "", "host:port of Kafka");
ABSL_FLAG(std::string, api, "", "host:port of the query API");
ABSL_FLAG(std::vector<std::string>, topics, {}, "topics whose records are noted");
ABSL_FLAG(std::string, token_prefix, "live-", "what the texts to look for begin with; 12 characters follow");
ABSL_FLAG(std::string, row_prefix, "with-", "what they begin with in rows beside the beneficiary's own");
ABSL_FLAG(absl::Duration, step, absl::Microseconds(500), "between two questions to the API for the same text");
ABSL_FLAG(absl::Duration, give_up, absl::Seconds(20), "after which a text counts as never seen");
ABSL_FLAG(std::string, out, "", "the file that gets everything, at the end: lines of fields between tabs");

namespace daybook::bench {
namespace {

absl::Status Write(const std::vector<RecordSeen>& records, const std::vector<VisibleSeen>& visible) {
  std::ofstream out(absl::GetFlag(FLAGS_out));
  for (const RecordSeen& r : records) {
    out << "record\t" << r.at_us << '\t' << r.topic << '\t' << r.timestamp_ms << '\t' << r.token << '\t'
        << r.transaction << '\t' << r.source_us << '\t' << r.connector_us << '\t' << r.decided << '\n';
  }
  for (const VisibleSeen& v : visible) {
    out << "visible\t" << v.at_us << '\t' << v.token << '\t' << v.questions << '\n';
  }
  if (!out.flush()) return absl::UnavailableError(absl::StrCat("cannot write ", absl::GetFlag(FLAGS_out)));
  return absl::OkStatus();
}

// A broker looks at every partition of a reader before it answers: whoever reads events does not read tables too.
std::vector<std::vector<std::string>> ByReader(const std::vector<std::string>& topics) {
  std::map<std::string, std::vector<std::string>> readers;
  for (const std::string& topic : topics) {
    const bool is_own = absl::StrContains(topic, ".commands.") || absl::StrContains(topic, ".events.");
    readers[is_own ? topic : "the connector's"].push_back(topic);
  }
  std::vector<std::vector<std::string>> made;
  for (auto& [name, read] : readers) made.push_back(std::move(read));
  return made;
}

absl::Status Run() {
  bus::KafkaOptions kafka;
  kafka.brokers = absl::GetFlag(FLAGS_brokers);
  kafka.client_id = "live-probe";
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<bus::Bus> bus, bus::OpenKafkaBus(kafka));
  std::vector<std::unique_ptr<RecordWatch>> watches;
  for (std::vector<std::string>& topics : ByReader(absl::GetFlag(FLAGS_topics))) {
    RecordWatchOptions watched;
    watched.topics = std::move(topics);
    watched.token_prefix = absl::GetFlag(FLAGS_token_prefix);
    watched.row_prefix = absl::GetFlag(FLAGS_row_prefix);
    DAYBOOK_ASSIGN_OR_RETURN(watches.emplace_back(), RecordWatch::Start(*bus, watched));
  }
  std::puts("ready");
  std::fflush(stdout);
  VisibleWatchOptions api;
  api.address = absl::GetFlag(FLAGS_api);
  api.step = absl::GetFlag(FLAGS_step);
  api.give_up = absl::GetFlag(FLAGS_give_up);
  api.input = STDIN_FILENO;
  DAYBOOK_ASSIGN_OR_RETURN(const std::vector<VisibleSeen> visible, WatchUntilVisible(api));
  std::vector<RecordSeen> records;
  for (const std::unique_ptr<RecordWatch>& watch : watches) {
    DAYBOOK_ASSIGN_OR_RETURN(std::vector<RecordSeen> seen, watch->Stop());
    std::move(seen.begin(), seen.end(), std::back_inserter(records));
  }
  return Write(records, visible);
}

}  // namespace
}  // namespace daybook::bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Prints \"ready\", reads lines \"TOKEN PATH\", asks the API for PATH until TOKEN is in an answer, and notes when "
      "records with tokens arrive. Part of ./dev bench live.");
  absl::ParseCommandLine(argc, argv);
  const absl::Status ran = daybook::bench::Run();
  if (ran.ok()) return 0;
  std::fprintf(stderr, "live_probe: %s\n", ran.ToString().c_str());
  return 1;
}
