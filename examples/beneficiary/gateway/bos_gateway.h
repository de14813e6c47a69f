#ifndef BENEFICIARY_GATEWAY_BOS_GATEWAY_H_
#define BENEFICIARY_GATEWAY_BOS_GATEWAY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/base/clock.h"
#include "daybook/cdc/command_sink.h"
#include "daybook/cdc/gateway.h"
#include "daybook/cdc/record_file.h"
#include "daybook/store/key_value.h"

namespace beneficiary {

struct BosGatewayOptions {
  std::string data_dir;  // dead letters go to data_dir/dead-letters
  std::string instance;  // of BOS: "uk"; part of every id
  const daybook::Clock* clock = &daybook::Clock::System();
  // As in daybook::cdc::GatewayOptions.
  daybook::cdc::Role role = daybook::cdc::Role::kActive;
  daybook::cdc::GatewayOptions::DeadLetters dead_letters = daybook::cdc::GatewayOptions::DeadLetters::kDirectory;
  std::string replay_topic;
};

// How far an ingestion is; given to the caller's progress function.
struct IngestProgress {
  daybook::cdc::RecordFileProgress file;
  daybook::cdc::GatewayCounters gateway;
};

// The gateway from BOS's tables to beneficiary and client commands: tables, mapping and engine joined.
//
//   auto gateway = *BosGateway::Open({.data_dir = dir, .instance = "uk"}, kv.get(), &sink);
//   DAYBOOK_RETURN_IF_ERROR(gateway->IngestFile("records.ndjson.gz", report));
//
// The sink gets commands of two streams, "beneficiary/<uuid>" with SyncFromBos and ForgetFromBos, and "client/<uuid>"
// with SyncClient and ForgetClient. Thread safety: one thread drives it; counters() from any thread.
class BosGateway {
 public:
  using Progress = std::function<void(const IngestProgress&)>;

  // Errors as daybook::cdc::Gateway::Open. What a kill left in the outbox is published by the first Tick or IngestFile.
  static absl::StatusOr<std::unique_ptr<BosGateway>> Open(BosGatewayOptions options, daybook::store::KeyValue* kv,
                                                          daybook::cdc::CommandSink* sink);
  ~BosGateway();

  // Reads the file to its end, emits everything and waits until all of it is acknowledged. Lines that are no records go
  // to the dead letters. kDataLoss: damaged file; kFailedPrecondition: truncated table; kCancelled after Cancel().
  absl::Status IngestFile(const std::string& path, const Progress& progress = nullptr);

  // Publishes and emits what is due; call it every 20 ms when no file is being ingested.
  absl::Status Tick();

  // Makes a running IngestFile return kCancelled soon; from any thread.
  void Cancel();

  daybook::cdc::GatewayCounters counters() const;
  daybook::cdc::Gateway& engine();

 private:
  struct Impl;
  explicit BosGateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// One line of what a snapshot lacks, a warning if it is anything: the number, and the first tables and keys.
void LogSnapshotCheck(const std::string& instance, const daybook::cdc::SnapshotCheck& check);

// How many rows to look at in one CheckSnapshot between other work.
inline constexpr std::size_t kSnapshotRowsPerStep = 10'000;

// --dry_run: prints the commands that the file would cause, one JSON object a line ({"command_id","stream","type",
// "command"}), and keeps nothing.
absl::Status DryRun(const BosGatewayOptions& options, const std::string& path, std::ostream& out);

// "instance" must be [a-z0-9_-]{1,32}: kInvalidArgument otherwise.
absl::Status CheckInstance(const std::string& instance);

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_BOS_GATEWAY_H_
