#ifndef BENEFICIARY_GATEWAY_SERVICE_INTERNAL_LIVE_INPUTS_H_
#define BENEFICIARY_GATEWAY_SERVICE_INTERNAL_LIVE_INPUTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "beneficiary/gateway/bos_gateway.h"
#include "beneficiary/gateway_service/live_gateway.h"
#include "beneficiary/gateway_service/output_records.h"
#include "beneficiary/gateway_service/topic_publisher.h"
#include "daybook/base/strings.h"
#include "daybook/bus/bus.h"
#include "daybook/cdc/gateway.h"
#include "daybook/store/key_value.h"

namespace beneficiary::internal {

// One gateway per BOS, and what feeds them all: a consumer of BOS's changes, and one of what gateways published, which
// nobody waits for and which therefore comes in larger pieces.
//
// Thread safety: one thread drives it; what is const is for any thread.
class LiveInputs {
 public:
  // `publisher`: nullptr if options.sink takes the commands. Both outlive it.
  static absl::StatusOr<std::unique_ptr<LiveInputs>> Open(daybook::bus::Bus& bus, const LiveGatewayOptions& options,
                                                          TopicPublisher* publisher);

  // Finds where to go on and starts to read there. kUnavailable: again later.
  absl::Status Assign(absl::Duration timeout);

  // Waits for records, at most `timeout`, and applies them. `make_room` is called as long as an outbox is full. Then,
  // if a full snapshot was read to its end, looks at some rows for such as it lacks.
  absl::Status PollAndApply(absl::Duration timeout, absl::FunctionRef<absl::Status()> make_room);

  absl::Status Tick();
  // Ticks until the outboxes are empty, for at most `timeout` each.
  absl::Status WaitForAnswers(absl::Duration timeout);
  void SetRole(daybook::cdc::Role role);

  // Remembers where all topics end now. kUnavailable: not known yet.
  absl::Status FindEnds(absl::Duration timeout);
  // Whether everything up to there was applied.
  bool AtEnds() const;

  // Commands and letters that were not acknowledged.
  std::uint64_t outbox() const;
  std::vector<LiveGatewayStatus::Instance> Instances() const;

  // Of both consumers, as bus/consumer.h.
  absl::Status health() const;
  bool CaughtUp() const;
  std::vector<daybook::bus::PartitionProgress> Progress() const;

 private:
  // A BOS with its gateway, and what of a batch is for it.
  struct Lane {
    BosSource source;
    std::unique_ptr<daybook::store::KeyValue> rows;
    std::unique_ptr<BosGateway> gateway;
    std::vector<daybook::cdc::Record> records;
    std::vector<ReadBack> read_back;
    std::map<std::pair<std::string, std::int32_t>, daybook::cdc::InputPosition> places;

    daybook::cdc::Gateway& engine() { return gateway->engine(); }
  };
  struct Route {
    enum class Kind { kChanges, kCommands, kDeadLetters };
    Kind kind = Kind::kChanges;
    Lane* lane = nullptr;  // nullptr: of all lanes
  };

  explicit LiveInputs(const LiveGatewayOptions& options) : options_(options) {}
  absl::Status OpenLane(const BosSource& source, TopicPublisher* publisher);
  void AddRoutes(TopicPublisher* publisher);
  std::vector<daybook::bus::Start> Starts();
  absl::Status AssignTopics(daybook::bus::Consumer& consumer, bool changes,
                            const std::vector<daybook::bus::Start>& starts, absl::Duration timeout);
  // Puts what it gives with its lanes, which refer to it from then on.
  absl::StatusOr<daybook::bus::RecordBatch> Poll(daybook::bus::Consumer& consumer, absl::Duration timeout);
  absl::Status CheckHistory(const std::vector<daybook::bus::Start>& starts, absl::Duration timeout);
  absl::Status Sort(const daybook::bus::Record& record);
  absl::Status SortReadBack(const daybook::bus::Record& record, const Route& route);
  absl::Status Apply(Lane& lane, absl::FunctionRef<absl::Status()> make_room);
  void NoteWhetherBehind();
  bool WasReadToEnds(const Lane& lane, absl::Duration since) const;
  absl::Status CheckSnapshot(Lane& lane);

  const LiveGatewayOptions& options_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  daybook::StringMap<Route> routes_;
  std::unique_ptr<daybook::bus::Consumer> changes_;
  std::unique_ptr<daybook::bus::Consumer> output_;  // nullptr: it is not read back
  std::map<daybook::bus::TopicPartition, daybook::bus::Offset> ends_;
  std::map<daybook::bus::TopicPartition, absl::Duration> at_end_;  // when each was last read to its end; of changes
};

}  // namespace beneficiary::internal

#endif  // BENEFICIARY_GATEWAY_SERVICE_INTERNAL_LIVE_INPUTS_H_
