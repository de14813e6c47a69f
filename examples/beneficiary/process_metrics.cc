#include "beneficiary/process_metrics.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace beneficiary {

namespace observe = daybook::observe;

namespace {

void ExposeCommands(Engine& engine, observe::Metrics& metrics) {
  using Stats = daybook::runtime::PartitionStats;
  const auto add = [&](std::string_view result, std::uint64_t Stats::*field) {
    metrics.AddCallback("commands", "Commands since the start, by what they came to", {{"result", std::string(result)}},
                        [&engine, field] { return static_cast<double>(engine.partition().stats().*field); });
  };
  add("committed", &Stats::commands_committed);
  add("unchanged", &Stats::commands_unchanged);
  add("rejected", &Stats::commands_rejected);
  add("duplicate", &Stats::commands_duplicate);
  add("failed", &Stats::commands_failed);
  const auto gauge = [&](std::string_view name, std::string_view help, std::uint64_t Stats::*field) {
    metrics.AddCallback(name, help, {},
                        [&engine, field] { return static_cast<double>(engine.partition().stats().*field); });
  };
  gauge("partition_events", "Events written since the start", &Stats::events);
  gauge("partition_batches", "Synced batches since the start", &Stats::batches);
  gauge("partition_queue_commands", "Commands waiting now", &Stats::queue_commands);
  gauge("partition_cache_bytes", "Memory of cached states", &Stats::cache_bytes);
  gauge("partition_states_loaded", "States read from the log since the start", &Stats::states_loaded);
  gauge("partition_snapshots_written", "Snapshots written since the start", &Stats::snapshots_written);
}

}  // namespace

void ExposeEngine(Engine& engine, observe::Metrics& metrics) {
  ExposeCommands(engine, metrics);
  metrics.AddCallback("store_durable_position", "The last durable position of the log", {},
                      [&engine] { return static_cast<double>(engine.store().DurableWatermark().value()); });
  metrics.AddCallback("store_healthy", "1, or 0 when writes are refused", {},
                      [&engine] { return engine.store().health().ok() ? 1.0 : 0.0; });
}

void ExposeFeed(const BosFeed& feed, observe::Metrics& metrics) {
  using Counters = daybook::cdc::GatewayCounters;
  const auto add = [&](std::string_view name, std::string_view help, std::uint64_t Counters::*field) {
    metrics.AddCallback(absl::StrCat("gateway_", std::string(name)), help, {},
                        [&feed, field] { return static_cast<double>(feed.counters().*field); });
  };
  add("records", "Change records seen since the start", &Counters::records);
  add("applied", "Change records applied", &Counters::applied);
  add("skipped_by_offset", "Records delivered before", &Counters::skipped_by_offset);
  add("skipped_by_lsn", "Records delivered before under another offset", &Counters::skipped_by_lsn);
  add("ignored", "Records that are not for the gateway", &Counters::ignored);
  add("transactions", "Source transactions completed", &Counters::transactions);
  add("transactions_timed_out", "Source transactions taken as complete after a time-out",
      &Counters::transactions_timed_out);
  add("commands", "Commands put into the outbox", &Counters::commands);
  add("suppressed", "Emissions equal to the last one", &Counters::suppressed);
  add("published", "Commands acknowledged", &Counters::published);
  add("dead_letters", "Records, aggregates and commands set aside", &Counters::dead_letters);
  add("unknown_columns", "Columns that no mapping knows", &Counters::unknown_columns);
  add("outbox", "Commands waiting or in flight", &Counters::outbox);
  add("dirty", "Aggregates changed and not yet emitted", &Counters::dirty);
  add("open_transactions", "Incomplete source transactions", &Counters::open_transactions);
  add("parked", "Aggregates that wait for a row", &Counters::parked);
  add("incomplete", "Parked aggregates with a value that is not known", &Counters::incomplete);
  add("rows_missing_from_snapshot", "Rows that the newest full snapshot lacks", &Counters::rows_missing_from_snapshot);
  metrics.AddCallback("gateway_source_lag_seconds", "Now less the commit time of the newest change", {},
                      [&feed] { return absl::ToDoubleSeconds(feed.counters().source_lag); });
  metrics.AddCallback("gateway_oldest_parked_seconds", "Age of the oldest parked aggregate", {},
                      [&feed] { return absl::ToDoubleSeconds(feed.counters().oldest_parked); });
}

}  // namespace beneficiary
