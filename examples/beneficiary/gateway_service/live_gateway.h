#ifndef BENEFICIARY_GATEWAY_SERVICE_LIVE_GATEWAY_H_
#define BENEFICIARY_GATEWAY_SERVICE_LIVE_GATEWAY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/gateway_service/topics.h"
#include "daybook/base/clock.h"
#include "daybook/bus/bus.h"
#include "daybook/cdc/command_sink.h"
#include "daybook/cdc/gateway.h"
#include "daybook/store/key_value.h"

namespace beneficiary {

struct LiveGatewayOptions {
  std::string data_dir;  // rows go to data_dir/gateway-<instance>, dead letters to data_dir/dead-letters
  std::vector<BosSource> sources;
  // Where the rows of an instance are kept; none: RocksDB in data_dir. For tests.
  std::function<absl::StatusOr<std::unique_ptr<daybook::store::KeyValue>>(const std::string& instance)> open_rows;

  // Set: commands go there, this process is the only one, and records that are not understood go to the directory.
  // nullptr: commands and dead letters go to topics, and of all processes with the same group one publishes.
  daybook::cdc::CommandSink* sink = nullptr;
  std::string group = "beneficiary-gateway";          // also the transactional id
  absl::Duration session_timeout = absl::Seconds(6);  // without a sign of life: another process takes over
  absl::Duration hang_timeout = absl::Seconds(30);    // its own thread stands still for longer: likewise
  int command_partitions = 1;                         // of the command topics, if they have to be made: one log, so one

  // Topics whose stored positions are forgotten at the start: they were made anew, or what comes next was deleted.
  std::vector<std::string> forget_positions;
  // What to do about a topic that is read for the first time and does not begin at its first record.
  enum class MissingHistory { kRefuse, kAccept } missing_history = MissingHistory::kRefuse;

  const daybook::Clock* clock = &daybook::Clock::System();
  std::function<void(absl::Duration)> on_published;  // from commit at the source to commit in the command topic
};

// What a live gateway is doing, for people and metrics.
struct LiveGatewayStatus {
  enum class Phase {
    kStarting,    // makes its topics, finds where to go on
    kStandby,     // applies records; another process publishes
    kTakingOver,  // has become the owner: fences the one before, reads what it read and wrote
    kActive,      // publishes
    kStopped,     // see `error`
  };
  struct Instance {
    BosSource source;
    daybook::cdc::GatewayCounters counters;
    daybook::cdc::SnapshotCheck snapshot;  // which rows the newest full snapshot lacks
  };

  Phase phase = Phase::kStarting;
  absl::Status error;           // why it has stopped
  absl::Status bus;             // OK, or why the brokers cannot be reached
  absl::Status delivery;        // OK, or why what waits to be published could not be: it is tried again and again
  bool caught_up = false;       // has read every topic to its end at least once
  std::uint64_t takeovers = 0;  // how often it became active
  std::uint64_t transactions = 0;
  std::uint64_t rounds = 0;  // how often it has read, applied and published: what was read two rounds ago is applied
  std::vector<Instance> instances;
  std::vector<daybook::bus::PartitionProgress> partitions;
};
std::string_view PhaseName(LiveGatewayStatus::Phase phase);

// Gateways from the live topics of one or several BOS to commands, on a thread of its own.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto live, LiveGateway::Start(*bus, {.data_dir = dir, .sources = {{"uk", "bos-uk"}}}));
//   if (live->Readiness().ok()) …
//   live->Stop(absl::Seconds(10));
//
// Thread safety: every method from any thread.
// Invariants:
//   1. Positions in the topics are kept in the batch with the rows: killed anywhere, it goes on there.
//   2. With topics as output: of all processes of a group one publishes, and it publishes only after the one before was
//      fenced and everything was applied and read back that that one can have read or written. No command is twice in
//      what is read as committed, and none is missing.
//   3. What cannot be gone on from (OFFSET_OUT_OF_RANGE, TOPIC_RECREATED, PARTITION_GONE, HISTORY_MISSING, a truncated
//      table) stops it with an error that says what to do; nothing is skipped.
class LiveGateway {
 public:
  // kInvalidArgument: no sources. kFailedPrecondition with reason SOURCE_CHANGED: the directory's rows came from
  // another topic prefix; else as daybook::cdc::Gateway::Open. Does not wait for a broker. The bus outlives it.
  static absl::StatusOr<std::unique_ptr<LiveGateway>> Start(daybook::bus::Bus& bus, LiveGatewayOptions options);
  // As Stop(zero).
  ~LiveGateway();

  // Reads no more, publishes what is in the outbox within `grace`, leaves the group and joins the thread. Idempotent.
  void Stop(absl::Duration grace);

  LiveGatewayStatus status() const;

  // OK once everything was read to the end and as long as it works, the brokers answer and take what is published.
  absl::Status Readiness() const;

 private:
  struct Impl;
  explicit LiveGateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_SERVICE_LIVE_GATEWAY_H_
