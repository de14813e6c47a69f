#include "live/record_watch.h"

#include <simdjson.h>

#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/cloudevents/headers.h"

namespace daybook::bench {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(10);
constexpr absl::Duration kPoll = absl::Milliseconds(50);
constexpr absl::Duration kQuiet = absl::Seconds(1);  // without a record: nothing more comes
constexpr absl::Duration kLateMax = absl::Seconds(15);
constexpr std::size_t kTokenBytes = 12;  // behind the prefix

// What stands behind the prefix in these bytes, whatever they are: JSON and protobuf both hold texts as they are.
std::string Behind(std::string_view prefix, std::string_view bytes) {
  const std::size_t found = bytes.find(prefix);
  if (found == std::string_view::npos || found + prefix.size() + kTokenBytes > bytes.size()) return "";
  return std::string(bytes.substr(found + prefix.size(), kTokenBytes));
}

class Watch final : public RecordWatch {
 public:
  Watch(std::unique_ptr<bus::Consumer> consumer, RecordWatchOptions options)
      : consumer_(std::move(consumer)), options_(std::move(options)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }

  absl::StatusOr<std::vector<RecordSeen>> Stop() override {
    thread_.request_stop();
    thread_.join();
    DAYBOOK_RETURN_IF_ERROR(failure_);
    return std::move(seen_);
  }

 private:
  void Run(const std::stop_token& stop) {
    absl::Duration last = MonotonicNow();
    std::optional<absl::Duration> stopped;
    while (true) {
      const absl::Duration at = MonotonicNow();
      if (stop.stop_requested() && !stopped) stopped = last = at;
      if (stopped && (at - last > kQuiet || at - *stopped > kLateMax)) return;
      absl::StatusOr<bus::RecordBatch> batch = consumer_->Poll({.timeout = kPoll});
      if (!batch.ok()) {
        failure_ = batch.status();
        return;
      }
      const std::int64_t now = Clock::System().Now().micros();
      for (const bus::Record& record : batch->records()) Note(record, now);
      if (!batch->empty()) last = MonotonicNow();
    }
  }

  void Note(const bus::Record& record, std::int64_t now) {
    if (!record.value) return;
    RecordSeen seen;
    seen.at_us = now;
    seen.topic = record.topic;
    seen.timestamp_ms = record.timestamp.millis();
    const bool is_connectors = !cloudevents::FindHeader(record.headers, "ce_type").has_value();
    seen.token = Behind(options_.token_prefix, *record.value);
    if (seen.token.empty() && is_connectors) seen.token = Behind(options_.row_prefix, *record.value);
    if (!seen.token.empty()) seen.token.insert(0, options_.token_prefix);
    const bool is_end = is_connectors && absl::EndsWith(ToAbsl(record.topic), ".transaction");
    if (seen.token.empty() && !is_end) return;
    if (is_connectors && !ReadConnectors(*record.value, seen)) return;
    if (const auto decided = cloudevents::FindHeader(record.headers, "ce_recordedtime")) seen.decided = *decided;
    seen_.push_back(std::move(seen));
  }

  // A change, or the END of a transaction; false: something else.
  bool ReadConnectors(std::string_view value, RecordSeen& seen) {
    const simdjson::padded_string json(value);
    simdjson::dom::element document;
    if (parser_.parse(json).get(document) != simdjson::SUCCESS) return false;
    std::string_view text;
    if (document["status"].get(text) == simdjson::SUCCESS) {
      if (text != "END" || document["id"].get(text) != simdjson::SUCCESS) return false;
      seen.transaction = text;
      return true;
    }
    if (document["transaction"]["id"].get(text) == simdjson::SUCCESS) seen.transaction = text;
    return document["source"]["ts_us"].get(seen.source_us) == simdjson::SUCCESS &&
           document["ts_us"].get(seen.connector_us) == simdjson::SUCCESS;
  }

  const std::unique_ptr<bus::Consumer> consumer_;
  const RecordWatchOptions options_;

  // The thread's, until it has ended.
  simdjson::dom::parser parser_;
  std::vector<RecordSeen> seen_;
  absl::Status failure_;

  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordWatch>> RecordWatch::Start(bus::Bus& bus, RecordWatchOptions options) {
  DAYBOOK_ASSIGN_OR_RETURN(
      std::unique_ptr<bus::Consumer> consumer,
      bus.NewConsumer({.name = "live-probe", .isolation = bus::Isolation::kReadUncommitted}));  // as Daybook's own
  std::vector<bus::Start> starts;
  for (const std::string& topic : options.topics) {
    const absl::StatusOr<std::int32_t> count = consumer->PartitionCount(topic, kTimeout);
    DAYBOOK_RETURN_IF_ERROR(Annotate(count.status(), topic));
    for (std::int32_t number = 0; number < *count; ++number) {
      bus::Start& start = starts.emplace_back();
      start.partition = {topic, bus::BusPartition(number)};
      DAYBOOK_ASSIGN_OR_RETURN(const bus::OffsetRange range, consumer->Offsets(start.partition, kTimeout));
      start.next = range.end;
    }
  }
  DAYBOOK_RETURN_IF_ERROR(consumer->Assign(starts, kTimeout));
  const absl::Duration deadline = MonotonicNow() + kTimeout;
  while (!consumer->CaughtUp()) {
    if (MonotonicNow() > deadline) return absl::UnavailableError("the ends of the topics are not reached");
    DAYBOOK_RETURN_IF_ERROR(consumer->Poll({.timeout = kPoll}).status());
  }
  return std::make_unique<Watch>(std::move(consumer), std::move(options));
}

}  // namespace daybook::bench
