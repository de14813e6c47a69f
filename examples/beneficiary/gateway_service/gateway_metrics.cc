#include "beneficiary/gateway_service/gateway_metrics.h"

#include <boost/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "daybook/base/strings.h"

namespace beneficiary {

namespace bus = daybook::bus;
namespace json = boost::json;
namespace observe = daybook::observe;
using Counters = daybook::cdc::GatewayCounters;
using Phase = LiveGatewayStatus::Phase;

namespace {

struct Field {
  const char* name;
  const char* help;
  std::uint64_t Counters::*field;
};

constexpr Field kFields[] = {
    {"records", "Change records seen since the start", &Counters::records},
    {"applied", "Change records applied", &Counters::applied},
    {"skipped_by_offset", "Records delivered before", &Counters::skipped_by_offset},
    {"skipped_by_lsn", "Records delivered before under another offset", &Counters::skipped_by_lsn},
    {"ignored", "Records that are not for the gateway", &Counters::ignored},
    {"transactions", "Source transactions completed", &Counters::transactions},
    {"transactions_timed_out", "Source transactions taken as complete after a time-out",
     &Counters::transactions_timed_out},
    {"commands", "Commands put into the outbox", &Counters::commands},
    {"suppressed", "Emissions equal to the last one", &Counters::suppressed},
    {"published", "Commands acknowledged", &Counters::published},
    {"observed", "Commands of another gateway, read back", &Counters::observed},
    {"dead_letters", "Records, aggregates and commands set aside", &Counters::dead_letters},
    {"replayed", "Dead letters sent back", &Counters::replayed},
    {"unknown_columns", "Columns that no mapping knows", &Counters::unknown_columns},
    {"outbox", "Commands waiting or in flight", &Counters::outbox},
    {"dirty", "Aggregates changed and not yet emitted", &Counters::dirty},
    {"held", "Aggregates whose command a standby waits to read back", &Counters::held},
    {"open_transactions", "Incomplete source transactions", &Counters::open_transactions},
    {"parked", "Aggregates that wait for a row", &Counters::parked},
    {"incomplete", "Parked aggregates with a value that is not known", &Counters::incomplete},
    {"rows_missing_from_snapshot", "Rows that the newest full snapshot lacks", &Counters::rows_missing_from_snapshot},
};

// Asked for at every scrape, of one instance.
Counters CountersOf(const LiveGateway& live, const std::string& instance) {
  for (const LiveGatewayStatus::Instance& one : live.status().instances) {
    if (one.source.instance == instance) return one.counters;
  }
  return {};
}

// Records of an instance's topics that are there and not applied yet.
std::int64_t InputLag(const LiveGatewayStatus& status, const BosSource& source) {
  std::int64_t lag = 0;
  for (const bus::PartitionProgress& progress : status.partitions) {
    if (!absl::StartsWith(progress.partition.topic, source.prefix + ".") ||
        absl::EndsWith(progress.partition.topic, ".dlq") || !progress.end) {
      continue;
    }
    lag += progress.end->value() - progress.next.value();
  }
  return lag;
}

json::object SnapshotJson(const daybook::cdc::SnapshotCheck& check) {
  return {{"stage", std::string(daybook::cdc::StageName(check.stage))},
          {"lsn", check.lsn},
          {"rows_missing", check.missing},
          {"rows", json::value_from(check.rows)},
          {"tables_without_rows", json::value_from(check.tables_without_rows)}};
}

}  // namespace

void ExposeLiveGateway(const LiveGateway& live, const std::vector<BosSource>& sources, observe::Metrics& metrics) {
  for (const BosSource& source : sources) {
    const observe::Labels labels = {{"bos", source.instance}};
    for (const Field& field : kFields) {
      metrics.AddCallback(std::string("gateway_") + field.name, field.help, labels,
                          [&live, instance = source.instance, value = field.field] {
                            return static_cast<double>(CountersOf(live, instance).*value);
                          });
    }
    metrics.AddCallback(
        "gateway_source_lag_seconds", "Now less the commit time of the newest change", labels,
        [&live, instance = source.instance] { return absl::ToDoubleSeconds(CountersOf(live, instance).source_lag); });
    metrics.AddCallback("gateway_oldest_parked_seconds", "Age of the oldest parked aggregate", labels,
                        [&live, instance = source.instance] {
                          return absl::ToDoubleSeconds(CountersOf(live, instance).oldest_parked);
                        });
    metrics.AddCallback("gateway_input_lag_records", "Records in the topics and not applied yet", labels,
                        [&live, source] { return static_cast<double>(InputLag(live.status(), source)); });
  }
  metrics.AddCallback("gateway_active", "1 if this process publishes", {},
                      [&live] { return live.status().phase == Phase::kActive ? 1.0 : 0.0; });
  metrics.AddCallback("gateway_stopped", "1 if it has stopped at something that a person must see to", {},
                      [&live] { return live.status().error.ok() ? 0.0 : 1.0; });
  metrics.AddCallback("gateway_takeovers", "How often this process became the one that publishes", {},
                      [&live] { return static_cast<double>(live.status().takeovers); });
}

std::function<void(absl::Duration)> PublishedLatency(observe::Metrics& metrics) {
  return [histogram = metrics.GetHistogram("gateway_source_to_published_seconds",
                                           "From commit at the source to commit of the command in its topic",
                                           observe::Metrics::LatencyBounds())](absl::Duration took) mutable {
    histogram.Observe(absl::ToDoubleSeconds(took));
  };
}

std::string StatusJson(const LiveGatewayStatus& status) {
  json::array instances;
  for (const LiveGatewayStatus::Instance& one : status.instances) {
    json::object counters;
    for (const Field& field : kFields) counters[field.name] = one.counters.*field.field;
    instances.push_back(json::object{{"bos", one.source.instance},
                                     {"topics", one.source.prefix},
                                     {"source_lag_seconds", absl::ToDoubleSeconds(one.counters.source_lag)},
                                     {"input_lag_records", InputLag(status, one.source)},
                                     {"snapshot", SnapshotJson(one.snapshot)},
                                     {"counters", std::move(counters)}});
  }
  json::array partitions;
  json::object dead_letters;
  for (const bus::PartitionProgress& progress : status.partitions) {
    json::object one{{"topic", progress.partition.topic},
                     {"partition", progress.partition.partition.value()},
                     {"next", progress.next.value()}};
    one["end"] = progress.end ? json::value(progress.end->value()) : json::value(nullptr);
    if (absl::EndsWith(progress.partition.topic, ".dlq")) {
      dead_letters[progress.partition.topic] = progress.end.value_or(progress.next).value();
    }
    partitions.push_back(std::move(one));
  }
  return json::serialize(
      json::object{{"phase", std::string(PhaseName(status.phase))},
                   {"error", status.error.ok() ? json::value(nullptr) : json::value(status.error.ToString())},
                   {"bus", status.bus.ok() ? json::value(nullptr) : json::value(status.bus.ToString())},
                   {"delivery", status.delivery.ok() ? json::value(nullptr) : json::value(status.delivery.ToString())},
                   {"caught_up", status.caught_up},
                   {"takeovers", status.takeovers},
                   {"transactions", status.transactions},
                   {"instances", std::move(instances)},
                   {"dead_letter_topics", std::move(dead_letters)},
                   {"partitions", std::move(partitions)}});
}

}  // namespace beneficiary
