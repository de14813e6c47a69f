#include "beneficiary/gateway_service/internal/live_inputs.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/status.h"
#include "daybook/store/rocks/rocks_key_value.h"

namespace beneficiary::internal {

namespace bus = daybook::bus;
namespace cdc = daybook::cdc;
namespace store = daybook::store;
using daybook::Annotate;
using daybook::ReasonOf;
using daybook::ToAbsl;

namespace {

constexpr std::string_view kSourceTable = "bos.source";
constexpr std::string_view kPrefixKey = "prefix";
constexpr absl::Duration kBehindAfter = absl::Seconds(1);
// What was sent before a snapshot's last record may come to be seen in another partition that much later.
constexpr absl::Duration kSnapshotSettles = absl::Seconds(2);
// The broker answers for what is read back when there is so much of it, or after so long: nothing waits for it, and
// whoever waits for the commands themselves has the processors first.
constexpr std::size_t kOutputFetchBytes = 64 * 1024;
constexpr absl::Duration kOutputFetchWait = absl::Milliseconds(100);

// The rows of a directory belong to one source: another one's changes over them would be nonsense.
absl::Status CheckSource(store::KeyValue& rows, const BosSource& source) {
  DAYBOOK_ASSIGN_OR_RETURN(const store::TableId table, rows.OpenTable(kSourceTable));
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> stored, rows.Get(table, kPrefixKey));
  if (!stored) {
    store::WriteBatch batch;
    batch.Put(table, kPrefixKey, source.prefix);
    return rows.Write(batch, store::Durability::kSynced);
  }
  if (*stored == source.prefix) return absl::OkStatus();
  return daybook::WithReason(absl::FailedPreconditionError(absl::StrCat(
                                 "the rows kept of BOS ", source.instance, " came from topics ", *stored,
                                 ".*, and it is configured to come from ", source.prefix,
                                 ".*: correct --bos, or remove the directory of that instance's rows to begin anew")),
                             "SOURCE_CHANGED");
}

constexpr std::string_view kAdviceForChanges =
    ". Changes may be missing. Let the connector take a snapshot of the table into the topic, then start the gateway "
    "with --forget_positions=TOPIC, which reads it from its first record; rows stay, and what has not changed causes "
    "no command";
constexpr std::string_view kAdviceForOutput =
    ". It is this gateway's own output, which it reads back. Once the topic is there, start every gateway with "
    "--forget_positions=TOPIC. Commands that were not carried out before it was deleted are not sent again: see the "
    "runbook";

// What an operator can do about an error of the consumer. Its message begins with the topic's name.
absl::Status WithAdvice(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  if (reason != "OFFSET_OUT_OF_RANGE" && reason != "TOPIC_RECREATED" && reason != "PARTITION_GONE") return status;
  const bool is_output = absl::StartsWith(status.message(), ToAbsl(kBeneficiaryCommandsTopic)) ||
                         absl::StartsWith(status.message(), ToAbsl(kClientCommandsTopic));
  absl::Status advised(status.code(),
                       absl::StrCat(status.message(), ToAbsl(is_output ? kAdviceForOutput : kAdviceForChanges)));
  return daybook::WithReason(std::move(advised), reason);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LiveInputs>> LiveInputs::Open(bus::Bus& bus, const LiveGatewayOptions& options,
                                                             TopicPublisher* publisher) {
  if (options.sources.empty()) return absl::InvalidArgumentError("a live gateway needs a BOS to read from");
  std::unique_ptr<LiveInputs> inputs(new LiveInputs(options));
  for (const BosSource& source : options.sources) DAYBOOK_RETURN_IF_ERROR(inputs->OpenLane(source, publisher));
  inputs->AddRoutes(publisher);
  // Its output counts as soon as it is there (ADR 26); a connector's changes are facts of the source either way.
  DAYBOOK_ASSIGN_OR_RETURN(inputs->changes_,
                           bus.NewConsumer({.name = "gateway", .isolation = bus::Isolation::kReadUncommitted}));
  if (publisher == nullptr) return inputs;
  DAYBOOK_ASSIGN_OR_RETURN(inputs->output_, bus.NewConsumer({.name = "gateway-output",
                                                             .isolation = bus::Isolation::kReadUncommitted,
                                                             .fetch_wait_max = kOutputFetchWait,
                                                             .fetch_bytes_min = kOutputFetchBytes}));
  return inputs;
}

absl::Status LiveInputs::OpenLane(const BosSource& source, TopicPublisher* publisher) {
  auto lane = std::make_unique<Lane>();
  lane->source = source;
  if (options_.open_rows) {
    DAYBOOK_ASSIGN_OR_RETURN(lane->rows, options_.open_rows(source.instance));
  } else {
    store::RocksKeyValueOptions rows;
    rows.path = absl::StrCat(options_.data_dir, "/gateway-", source.instance);
    DAYBOOK_ASSIGN_OR_RETURN(lane->rows, store::OpenRocksKeyValue(rows));
  }
  DAYBOOK_RETURN_IF_ERROR(CheckSource(*lane->rows, source));
  BosGatewayOptions gateway;
  gateway.data_dir = options_.data_dir;
  gateway.instance = source.instance;
  gateway.clock = options_.clock;
  gateway.replay_topic = ReplayTopic(source);
  cdc::CommandSink* sink = options_.sink;
  if (publisher != nullptr) {
    gateway.role = cdc::Role::kStandby;
    gateway.dead_letters = cdc::GatewayOptions::DeadLetters::kSink;
    sink = &publisher->SinkFor(source.instance);
  }
  DAYBOOK_ASSIGN_OR_RETURN(lane->gateway, BosGateway::Open(gateway, lane->rows.get(), sink));
  if (publisher != nullptr) publisher->SinkFor(source.instance).set_writer(lane->engine().writer());
  DAYBOOK_ASSIGN_OR_RETURN(const std::size_t forgotten, lane->engine().ForgetPositions(options_.forget_positions));
  if (forgotten > 0) {
    daybook::Log(daybook::LogLevel::kWarning, "stored positions were forgotten, as asked for",
                 {{"bos", source.instance}, {"partitions", static_cast<std::int64_t>(forgotten)}});
  }
  lanes_.push_back(std::move(lane));
  return absl::OkStatus();
}

void LiveInputs::AddRoutes(TopicPublisher* publisher) {
  const auto add = [this](std::string topic, Route route) { routes_.emplace(std::move(topic), route); };
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    for (const std::string& topic : CapturedTopics(lane->source)) {
      add(topic, {Route::Kind::kChanges, lane.get()});
      if (publisher != nullptr) add(DeadLetterTopic(topic), {Route::Kind::kDeadLetters, lane.get()});
    }
    add(ReplayTopic(lane->source), {Route::Kind::kChanges, lane.get()});
  }
  if (publisher == nullptr) return;
  for (const std::string_view topic : {kBeneficiaryCommandsTopic, kClientCommandsTopic}) {
    add(std::string(topic), {Route::Kind::kCommands, nullptr});
  }
}

// Of a topic that several lanes read, from where the one that is furthest behind goes on.
std::vector<bus::Start> LiveInputs::Starts() {
  std::map<std::pair<std::string, std::int32_t>, std::pair<std::size_t, cdc::InputPosition>> places;
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    for (const cdc::InputPosition& position : lane->engine().Positions()) {
      if (!routes_.contains(position.topic)) continue;
      auto& [lanes, place] = places[{position.topic, position.partition}];
      if (lanes == 0 || position.offset < place.offset) place = position;
      ++lanes;
    }
  }
  std::vector<bus::Start> starts;
  for (const auto& [where, known] : places) {
    const auto& [lanes, place] = known;
    const Route& route = routes_.find(where.first)->second;
    if (route.lane == nullptr && lanes < lanes_.size()) continue;  // one has not read anything of it
    bus::Start start{{where.first, bus::BusPartition(where.second)}, bus::Offset(place.offset + 1), std::nullopt};
    if (place.timestamp_ms != 0) {
      start.last = {bus::Offset(place.offset), daybook::Timestamp::FromMillis(place.timestamp_ms)};
    }
    starts.push_back(std::move(start));
  }
  return starts;
}

absl::Status LiveInputs::CheckHistory(const std::vector<bus::Start>& starts, absl::Duration timeout) {
  if (options_.missing_history == LiveGatewayOptions::MissingHistory::kAccept) return absl::OkStatus();
  std::set<bus::TopicPartition> known;
  for (const bus::Start& start : starts) known.insert(start.partition);
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    for (const std::string& topic : CapturedTopics(lane->source)) {
      const bool forgotten = std::find(options_.forget_positions.begin(), options_.forget_positions.end(), topic) !=
                             options_.forget_positions.end();
      if (forgotten) continue;
      const absl::StatusOr<std::int32_t> count = changes_->PartitionCount(topic, timeout);
      if (absl::IsNotFound(count.status())) continue;
      DAYBOOK_RETURN_IF_ERROR(count.status());
      for (std::int32_t partition = 0; partition < *count; ++partition) {
        const bus::TopicPartition where{topic, bus::BusPartition(partition)};
        if (known.contains(where)) continue;
        const absl::StatusOr<bus::OffsetRange> range = changes_->Offsets(where, timeout);
        if (absl::IsNotFound(range.status())) return absl::UnavailableError(range.status().message());  // being made
        DAYBOOK_RETURN_IF_ERROR(range.status());
        if (range->begin == bus::Offset()) continue;
        return daybook::WithReason(
            absl::FailedPreconditionError(absl::StrCat(
                where.ToString(), " is read for the first time and begins at offset ", range->begin.value(),
                ": older changes were deleted. Let the connector take a snapshot of the table, then start the gateway "
                "with --missing_history=accept")),
            "HISTORY_MISSING");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status LiveInputs::AssignTopics(bus::Consumer& consumer, bool changes, const std::vector<bus::Start>& all,
                                      absl::Duration timeout) {
  const auto is_its = [&](const Route& route) { return (route.kind == Route::Kind::kChanges) == changes; };
  std::vector<std::string> topics;
  for (const auto& [topic, route] : routes_) {
    if (is_its(route)) topics.push_back(topic);
  }
  std::vector<bus::Start> starts;
  for (const bus::Start& start : all) {
    if (is_its(routes_.find(start.partition.topic)->second)) starts.push_back(start);
  }
  return WithAdvice(consumer.AssignTopics(std::move(topics), starts, timeout));
}

absl::Status LiveInputs::Assign(absl::Duration timeout) {
  const std::vector<bus::Start> starts = Starts();
  DAYBOOK_RETURN_IF_ERROR(CheckHistory(starts, timeout));
  DAYBOOK_RETURN_IF_ERROR(AssignTopics(*changes_, /*changes=*/true, starts, timeout));
  return output_ == nullptr ? absl::OkStatus() : AssignTopics(*output_, /*changes=*/false, starts, timeout);
}

absl::Status LiveInputs::SortReadBack(const bus::Record& record, const Route& route) {
  std::optional<ReadBack> read;
  if (route.kind == Route::Kind::kCommands) {
    absl::StatusOr<std::optional<ReadBack>> command = ReadBackCommand(record);
    if (!command.ok()) {
      daybook::Log(daybook::LogLevel::kWarning, "a command that was read back is malformed",
                   {{"error", std::string(command.status().message())}});
    } else {
      read = *std::move(command);
    }
  } else {
    read = ReadBackDeadLetter(record);
  }
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    if (route.lane != nullptr && route.lane != lane.get()) continue;
    const auto known = lane->engine().PositionIn(record.topic, record.partition.value());
    if (known && record.offset.value() <= known->offset) continue;
    lane->places[{std::string(record.topic), record.partition.value()}] = {
        std::string(record.topic), record.partition.value(), record.offset.value(), record.timestamp.millis()};
    if (read && (route.lane != nullptr || read->instance == lane->source.instance)) lane->read_back.push_back(*read);
  }
  return absl::OkStatus();
}

absl::Status LiveInputs::Sort(const bus::Record& record) {
  const auto found = routes_.find(record.topic);
  if (found == routes_.end()) {
    return absl::InternalError(absl::StrCat("a record of a topic that was not asked for: ", ToAbsl(record.topic)));
  }
  if (found->second.kind != Route::Kind::kChanges) return SortReadBack(record, found->second);
  cdc::Record& change = found->second.lane->records.emplace_back();
  change.topic = record.topic;
  change.partition = record.partition.value();
  change.offset = record.offset.value();
  change.timestamp_ms = record.timestamp.millis();
  change.key = record.key;
  change.value = record.value;
  change.headers.reserve(record.headers.size());
  for (const bus::Header& header : record.headers) change.headers.push_back({header.name, header.value.value_or("")});
  return absl::OkStatus();
}

absl::Status LiveInputs::Apply(Lane& lane, absl::FunctionRef<absl::Status()> make_room) {
  if (!lane.places.empty()) {
    std::vector<cdc::Published> published;
    for (const ReadBack& one : lane.read_back) published.push_back(one.View());
    std::vector<cdc::InputPosition> places;
    for (auto& [where, place] : lane.places) places.push_back(std::move(place));
    const absl::Status observed = lane.engine().Observe(published, places);
    lane.read_back.clear();
    lane.places.clear();
    DAYBOOK_RETURN_IF_ERROR(observed);
  }
  if (lane.records.empty()) return absl::OkStatus();
  absl::Status status = lane.engine().Ingest(lane.records);
  while (absl::IsResourceExhausted(status)) {
    status = make_room();
    if (status.ok()) status = lane.engine().Ingest(lane.records);
  }
  lane.records.clear();
  return status;
}

// Under a steady stream there is always something unread, but no partition is long without having been at its end.
void LiveInputs::NoteWhetherBehind() {
  const absl::Duration now = options_.clock->Monotonic();
  bool behind = false;
  for (const bus::PartitionProgress& progress : changes_->Progress()) {
    const auto at_end = at_end_.try_emplace(progress.partition, -absl::InfiniteDuration()).first;
    if (progress.end && progress.next >= *progress.end) at_end->second = now;
    behind |= now - at_end->second > kBehindAfter;
  }
  if (!behind) return;
  for (const std::unique_ptr<Lane>& lane : lanes_) lane->engine().NoteBehind();
}

bool LiveInputs::WasReadToEnds(const Lane& lane, absl::Duration since) const {
  bool any = false;
  for (const auto& [partition, at_end] : at_end_) {
    const auto route = routes_.find(partition.topic);
    if (route == routes_.end() || route->second.lane != &lane) continue;
    if (at_end < since) return false;
    any = true;
  }
  return any;
}

absl::Status LiveInputs::CheckSnapshot(Lane& lane) {
  const std::optional<absl::Duration> ended = lane.engine().SnapshotEndedAt();
  if (!ended || !WasReadToEnds(lane, *ended + kSnapshotSettles)) return absl::OkStatus();
  DAYBOOK_ASSIGN_OR_RETURN(const bool done, lane.engine().CheckSnapshot(kSnapshotRowsPerStep));
  if (done) LogSnapshotCheck(lane.source.instance, lane.engine().snapshot_check());
  return absl::OkStatus();
}

absl::StatusOr<bus::RecordBatch> LiveInputs::Poll(bus::Consumer& consumer, absl::Duration timeout) {
  absl::StatusOr<bus::RecordBatch> batch = consumer.Poll({.timeout = timeout});
  if (!batch.ok()) return WithAdvice(batch.status());
  for (const bus::Record& record : batch->records()) DAYBOOK_RETURN_IF_ERROR(Sort(record));
  return batch;
}

absl::Status LiveInputs::PollAndApply(absl::Duration timeout, absl::FunctionRef<absl::Status()> make_room) {
  bus::RecordBatch output;
  if (output_ != nullptr) {
    DAYBOOK_ASSIGN_OR_RETURN(output, Poll(*output_, absl::ZeroDuration()));
  }
  // A long history of output is read without a pause.
  const absl::Duration wait = output.empty() ? timeout : absl::ZeroDuration();
  DAYBOOK_ASSIGN_OR_RETURN(const bus::RecordBatch changes, Poll(*changes_, wait));
  NoteWhetherBehind();
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    DAYBOOK_RETURN_IF_ERROR(Annotate(Apply(*lane, make_room), absl::StrCat("BOS ", lane->source.instance)));
  }
  // Not before all of this batch is applied: what at_end_ says is of the whole of it.
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    DAYBOOK_RETURN_IF_ERROR(Annotate(CheckSnapshot(*lane), absl::StrCat("BOS ", lane->source.instance)));
  }
  return absl::OkStatus();
}

absl::Status LiveInputs::Tick() {
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    DAYBOOK_RETURN_IF_ERROR(Annotate(lane->gateway->Tick(), absl::StrCat("BOS ", lane->source.instance)));
  }
  return absl::OkStatus();
}

absl::Status LiveInputs::WaitForAnswers(absl::Duration timeout) {
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    const absl::Status drained = lane->engine().Drain(timeout);
    if (!drained.ok() && !absl::IsDeadlineExceeded(drained)) return drained;
  }
  return absl::OkStatus();
}

void LiveInputs::SetRole(cdc::Role role) {
  for (const std::unique_ptr<Lane>& lane : lanes_) lane->engine().SetRole(role);
}

absl::Status LiveInputs::FindEnds(absl::Duration timeout) {
  ends_.clear();
  const std::vector<bus::PartitionProgress> all = Progress();
  std::map<std::string, std::int32_t> assigned;
  for (const bus::PartitionProgress& progress : all) ++assigned[progress.partition.topic];
  for (const auto& [topic, route] : routes_) {
    const absl::StatusOr<std::int32_t> count = changes_->PartitionCount(topic, timeout);
    if (absl::IsNotFound(count.status())) continue;
    DAYBOOK_RETURN_IF_ERROR(count.status());
    // The one before may have read a partition that this process has not heard of yet.
    if (*count != assigned[topic]) return absl::UnavailableError(absl::StrCat(topic, " is not read entirely yet"));
  }
  for (const bus::PartitionProgress& progress : all) {
    const absl::StatusOr<bus::OffsetRange> range = changes_->Offsets(progress.partition, timeout);
    // Deleted under the reader, who finds out by itself, and says what to do.
    if (absl::IsNotFound(range.status())) return absl::UnavailableError(range.status().message());
    DAYBOOK_RETURN_IF_ERROR(range.status());
    ends_[progress.partition] = range->end;
  }
  return absl::OkStatus();
}

bool LiveInputs::AtEnds() const {
  const std::vector<bus::PartitionProgress> all = Progress();
  return std::all_of(all.begin(), all.end(), [this](const bus::PartitionProgress& progress) {
    const auto end = ends_.find(progress.partition);
    return end == ends_.end() || progress.next >= end->second;
  });
}

absl::Status LiveInputs::health() const {
  DAYBOOK_RETURN_IF_ERROR(changes_->health());
  return output_ == nullptr ? absl::OkStatus() : output_->health();
}

bool LiveInputs::CaughtUp() const { return changes_->CaughtUp() && (output_ == nullptr || output_->CaughtUp()); }

std::vector<bus::PartitionProgress> LiveInputs::Progress() const {
  std::vector<bus::PartitionProgress> all = changes_->Progress();
  if (output_ == nullptr) return all;
  for (bus::PartitionProgress& progress : output_->Progress()) all.push_back(std::move(progress));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.partition < b.partition; });
  return all;
}

std::uint64_t LiveInputs::outbox() const {
  std::uint64_t waiting = 0;
  for (const std::unique_ptr<Lane>& lane : lanes_) waiting += lane->gateway->counters().outbox;
  return waiting;
}

std::vector<LiveGatewayStatus::Instance> LiveInputs::Instances() const {
  std::vector<LiveGatewayStatus::Instance> all;
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    all.push_back({lane->source, lane->gateway->counters(), lane->gateway->engine().snapshot_check()});
  }
  return all;
}

}  // namespace beneficiary::internal
