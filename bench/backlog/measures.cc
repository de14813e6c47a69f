#include "backlog/measures.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "beneficiary/app/engine.h"
#include "beneficiary/app/executor_sink.h"
#include "beneficiary/gateway/bos_gateway.h"
#include "beneficiary/gateway/bos_tables.h"
#include "daybook/base/clock.h"
#include "daybook/base/status.h"
#include "daybook/bus/kafka/kafka_bus.h"
#include "daybook/cdc/change_record.h"
#include "daybook/store/rocks/rocks_key_value.h"

namespace daybook::bench {
namespace {

constexpr std::size_t kRecordsPerBatch = 1000;  // as a file's

class AcceptAll final : public cdc::CommandSink {
 public:
  absl::Status Publish(const cdc::Command&, Done done) override {
    done(absl::OkStatus());
    return absl::OkStatus();
  }
};

// A line now and then.
class Progress {
 public:
  Progress(const char* what, std::uint64_t records) : what_(what), records_(records) {}

  void Say(std::uint64_t done) {
    if (MonotonicNow() - said_ < absl::Seconds(5)) return;
    said_ = MonotonicNow();
    std::fprintf(stderr, "    %s: %llu of %llu records\n", what_, static_cast<unsigned long long>(done),
                 static_cast<unsigned long long>(records_));
  }

 private:
  const char* const what_;
  const std::uint64_t records_;
  absl::Duration said_ = MonotonicNow();
};

// Gives `use` batch after batch, and returns the time that it took, without that of making the copies.
absl::StatusOr<absl::Duration> ForEachBatch(const RecordedBacklog& backlog, std::uint64_t copies, const char* what,
                                            absl::FunctionRef<absl::Status(std::span<const cdc::Record>)> use) {
  Progress progress(what, copies * backlog.records_per_copy());
  RecordedBacklog::Copy copy;
  absl::Duration took;
  for (std::uint64_t number = 0; number < copies; ++number) {
    backlog.Make(number, copy);
    const absl::Duration began = MonotonicNow();
    for (auto rest = copy.records(); !rest.empty();) {
      const auto batch = rest.first(std::min(rest.size(), kRecordsPerBatch));
      DAYBOOK_RETURN_IF_ERROR(use(batch));
      rest = rest.subspan(batch.size());
    }
    took += MonotonicNow() - began;
    progress.Say((number + 1) * backlog.records_per_copy());
  }
  return took;
}

struct Target {
  std::unique_ptr<store::KeyValue> rows;
  std::unique_ptr<beneficiary::BosGateway> gateway;

  static absl::StatusOr<Target> Open(const std::string& directory, cdc::CommandSink& sink);
  absl::Status Ingest(std::span<const cdc::Record> records);
  absl::Status Finish();
};

absl::StatusOr<Target> Target::Open(const std::string& directory, cdc::CommandSink& sink) {
  Target target;
  DAYBOOK_ASSIGN_OR_RETURN(target.rows, store::OpenRocksKeyValue({.path = directory + "/gateway"}));
  DAYBOOK_ASSIGN_OR_RETURN(target.gateway, beneficiary::BosGateway::Open({.data_dir = directory, .instance = "uk"},
                                                                         target.rows.get(), &sink));
  return target;
}

absl::Status Target::Ingest(std::span<const cdc::Record> records) {
  while (true) {
    const absl::Status ingested = gateway->engine().Ingest(records);
    if (!absl::IsResourceExhausted(ingested)) return ingested;
    const absl::Status drained = gateway->engine().Drain(absl::Milliseconds(200));
    if (!drained.ok() && !absl::IsDeadlineExceeded(drained)) return drained;
  }
}

absl::Status Target::Finish() {
  DAYBOOK_RETURN_IF_ERROR(gateway->engine().Flush());
  return gateway->engine().Drain(absl::Minutes(5));
}

// What was lost on the way, if anything.
absl::Status CheckCounters(const cdc::GatewayCounters& counters) {
  if (counters.dead_letters == 0 && counters.open_transactions == 0 && counters.transactions_timed_out == 0) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("the copies do not hold together: ", counters.dead_letters, " dead letters, ",
                                          counters.open_transactions, " transactions without an end, ",
                                          counters.transactions_timed_out, " timed out"));
}

}  // namespace

absl::StatusOr<double> ParseAlone(const RecordedBacklog& backlog, std::uint64_t copies) {
  cdc::ChangeParser parser(&beneficiary::BosCatalog());
  cdc::Change change;
  DAYBOOK_ASSIGN_OR_RETURN(const absl::Duration took,
                           ForEachBatch(backlog, copies, "parsing alone", [&](std::span<const cdc::Record> records) {
                             for (const cdc::Record& record : records) {
                               DAYBOOK_RETURN_IF_ERROR(parser.Parse(record, change));
                             }
                             return absl::OkStatus();
                           }));
  return absl::ToDoubleSeconds(took);
}

absl::StatusOr<double> ToCommands(const RecordedBacklog& backlog, std::uint64_t copies, const std::string& directory) {
  AcceptAll sink;
  DAYBOOK_ASSIGN_OR_RETURN(Target target, Target::Open(directory, sink));
  DAYBOOK_ASSIGN_OR_RETURN(const absl::Duration took,
                           ForEachBatch(backlog, copies, "to commands",
                                        [&](std::span<const cdc::Record> records) { return target.Ingest(records); }));
  const absl::Duration began = MonotonicNow();
  DAYBOOK_RETURN_IF_ERROR(target.Finish());
  DAYBOOK_RETURN_IF_ERROR(CheckCounters(target.gateway->counters()));
  return absl::ToDoubleSeconds(took + (MonotonicNow() - began));
}

absl::StatusOr<double> ToReadModels(const RecordedBacklog& backlog, std::uint64_t copies,
                                    const std::string& directory) {
  DAYBOOK_ASSIGN_OR_RETURN(const auto engine, beneficiary::Engine::Open({.data_dir = directory}));
  beneficiary::ExecutorSink sink(engine->beneficiaries(), engine->clients());
  DAYBOOK_ASSIGN_OR_RETURN(Target target, Target::Open(directory, sink));
  const absl::Duration began = MonotonicNow();
  DAYBOOK_RETURN_IF_ERROR(
      ForEachBatch(backlog, copies, "to every read model", [&](std::span<const cdc::Record> records) {
        return target.Ingest(records);
      }).status());
  DAYBOOK_RETURN_IF_ERROR(target.Finish());
  DAYBOOK_RETURN_IF_ERROR(
      engine->runner().WaitUntil(engine->runner().Names(), engine->store().DurableWatermark(), absl::Minutes(5)));
  const absl::Duration took = MonotonicNow() - began;
  DAYBOOK_RETURN_IF_ERROR(CheckCounters(target.gateway->counters()));
  return absl::ToDoubleSeconds(took);
}

absl::StatusOr<double> Produce(const RecordedBacklog& backlog, std::uint64_t copies, const std::string& brokers) {
  bus::KafkaOptions kafka;
  kafka.brokers = brokers;
  kafka.client_id = "daybook-backlog";
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<bus::Bus> topics, bus::OpenKafkaBus(kafka));
  bus::ProducerOptions options;
  options.name = "backlog";
  options.linger = absl::Milliseconds(5);
  DAYBOOK_ASSIGN_OR_RETURN(const std::unique_ptr<bus::Producer> producer, topics->NewProducer(options));
  std::atomic<std::uint64_t> lost = 0;
  std::vector<bus::Header> headers;
  const auto send = [&](const cdc::Record& record) -> absl::Status {
    headers.clear();
    for (const cdc::RecordHeader& header : record.headers) {
      headers.push_back({.name = header.name, .value = header.value});
    }
    const bus::OutgoingRecord out{.topic = record.topic,
                                  .partition = bus::BusPartition(record.partition),
                                  .key = record.key,
                                  .value = record.value,
                                  .headers = headers,
                                  .timestamp = std::nullopt};
    while (true) {
      const absl::Status queued = producer->Send(out, [&lost](const absl::StatusOr<bus::Delivery>& delivery) {
        if (!delivery.ok()) ++lost;
      });
      if (!absl::IsResourceExhausted(queued)) return queued;
      DAYBOOK_RETURN_IF_ERROR(producer->WaitForRoom(4096, absl::Seconds(30)));
    }
  };
  const absl::Duration began = MonotonicNow();
  DAYBOOK_RETURN_IF_ERROR(ForEachBatch(backlog, copies, "to the topics", [&](std::span<const cdc::Record> records) {
                            for (const cdc::Record& record : records) DAYBOOK_RETURN_IF_ERROR(send(record));
                            return absl::OkStatus();
                          }).status());
  DAYBOOK_RETURN_IF_ERROR(producer->Flush(absl::Minutes(1)));
  if (lost > 0) return absl::DataLossError(absl::StrCat(lost.load(), " records did not reach the topics"));
  return absl::ToDoubleSeconds(MonotonicNow() - began);
}

}  // namespace daybook::bench
