#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "beneficiary/app/engine.h"
#include "beneficiary/app/executor_sink.h"
#include "beneficiary/gateway/bos_gateway.h"
#include "beneficiary/gateway/bos_tables.h"
#include "daybook/base/check.h"
#include "daybook/cdc/change_record.h"
#include "daybook/cdc/record_file.h"
#include "daybook/store/rocks/rocks_key_value.h"
#include "scenarios/scenarios.h"

namespace daybook::bench {
namespace {

// 6,595 records of a real BOS, without schemas; relative to the clone, where ./dev runs this.
constexpr char kRecords[] = "tests/fixtures/bos-a/records.ndjson.gz";
constexpr int kRepeats = 5;  // one file is a fraction of a second

class AcceptAll final : public cdc::CommandSink {
 public:
  absl::Status Publish(const cdc::Command&, Done done) override {
    done(absl::OkStatus());
    return absl::OkStatus();
  }
};

double Seconds(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double ParseAlone() {
  const cdc::Catalog& catalog = beneficiary::BosCatalog();
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t records = 0;
  for (int i = 0; i < kRepeats; ++i) {
    cdc::ChangeParser parser(&catalog);
    auto file = cdc::RecordFile::Open(kRecords);
    DAYBOOK_CHECK(file.ok(), file.status().ToString());
    cdc::RecordBatch batch;
    cdc::Change change;
    while (*(*file)->Read(1000, batch)) {
      for (const cdc::Record& record : batch.records()) {
        DAYBOOK_CHECK(parser.Parse(record, change).ok(), "a record does not parse");
        ++records;
      }
    }
  }
  return static_cast<double>(records) / Seconds(began);
}

// Into a new gateway on disk; `sink` takes the commands.
std::uint64_t Ingest(const std::string& directory, cdc::CommandSink& sink) {
  auto kv = store::OpenRocksKeyValue({.path = directory + "/gateway"});
  DAYBOOK_CHECK(kv.ok(), kv.status().ToString());
  auto gateway = beneficiary::BosGateway::Open({.data_dir = directory, .instance = "uk"}, kv->get(), &sink);
  DAYBOOK_CHECK(gateway.ok(), gateway.status().ToString());
  const absl::Status ingested = (*gateway)->IngestFile(kRecords);
  DAYBOOK_CHECK(ingested.ok(), ingested.ToString());
  return (*gateway)->counters().records;
}

double ThroughGateway(const Settings& settings) {
  double seconds = 0;
  std::uint64_t records = 0;
  AcceptAll sink;
  for (int i = 0; i < kRepeats; ++i) {
    const std::string directory = NewDirectory(settings);
    const auto began = std::chrono::steady_clock::now();
    records += Ingest(directory, sink);
    seconds += Seconds(began);
  }
  return static_cast<double>(records) / seconds;
}

// From the file to every read model showing the last command.
double ThroughService(const Settings& settings) {
  double seconds = 0;
  std::uint64_t records = 0;
  for (int i = 0; i < kRepeats; ++i) {
    const std::string directory = NewDirectory(settings);
    auto engine = beneficiary::Engine::Open({.data_dir = directory});
    DAYBOOK_CHECK(engine.ok(), engine.status().ToString());
    beneficiary::ExecutorSink sink((*engine)->beneficiaries(), (*engine)->clients());
    const auto began = std::chrono::steady_clock::now();
    records += Ingest(directory, sink);
    const absl::Status shown = (*engine)->runner().WaitUntil((*engine)->runner().Names(),
                                                             (*engine)->store().DurableWatermark(), absl::Minutes(1));
    DAYBOOK_CHECK(shown.ok(), shown.ToString());
    seconds += Seconds(began);
  }
  return static_cast<double>(records) / seconds;
}

}  // namespace

void BenchGateway(const Settings& settings, Report& report) {
  Row row;
  row.scenario = "recorded changes to commands";
  row.unit = "records/s";
  row.floor = "parsing them alone";
  report.Add(MeasurePairs(
      row, settings.rounds, [&] { return ThroughGateway(settings); }, ParseAlone));
  row.scenario = "recorded changes to read models";
  report.Add(MeasurePairs(
      row, settings.rounds, [&] { return ThroughService(settings); }, ParseAlone));
}

}  // namespace daybook::bench
