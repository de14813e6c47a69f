#include "beneficiary/process_metrics.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace beneficiary {

namespace http = daybook::http;
namespace observe = daybook::observe;
namespace rpc = daybook::rpc;

namespace {

using Handles = std::pair<observe::Counter, observe::Histogram>;

// The handles of what has been seen, by whatever tells two answers apart.
template <class Key>
class AnswerCounters {
 public:
  template <class MakeHandles>
  void Count(const Key& key, absl::Duration latency, MakeHandles make) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    auto found = handles_.find(key);
    if (found == handles_.end()) found = handles_.emplace(key, make()).first;
    found->second.first.Increment();
    found->second.second.Observe(absl::ToDoubleSeconds(latency));
  }

 private:
  absl::Mutex mu_;
  absl::flat_hash_map<Key, Handles> handles_ ABSL_GUARDED_BY(mu_);
};

Handles HandlesOf(const http::Answered& answered, observe::Metrics& metrics) {
  const std::string route = answered.route.empty() ? "(none)" : std::string(answered.route);
  const std::string method(http::MethodName(answered.method));
  const std::string status = std::to_string(http::ToInt(answered.status));
  return {metrics.GetCounter("http_requests_total", "Requests answered, by route and status",
                             {{"method", method}, {"route", route}, {"status", status}}),
          metrics.GetHistogram("http_request_seconds", "From the complete request to the answer's last byte",
                               observe::Metrics::LatencyBounds(), {{"method", method}, {"route", route}})};
}

Handles HandlesOf(const rpc::Answered& answered, observe::Metrics& metrics) {
  const std::string_view full = answered.method.substr(1);  // "package.Service/Method"
  const std::string service(full.substr(0, full.find('/')));
  const std::string method(full.substr(std::min(full.size(), service.size() + 1)));
  return {
      metrics.GetCounter(
          "grpc_server_handled_total", "Calls ended, by method and code",
          {{"grpc_service", service}, {"grpc_method", method}, {"grpc_code", absl::StatusCodeToString(answered.code)}}),
      metrics.GetHistogram("grpc_server_handling_seconds", "From the request's head to its status",
                           observe::Metrics::LatencyBounds(), {{"grpc_service", service}, {"grpc_method", method}})};
}

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

std::function<void(const http::Answered&)> HttpMetrics(observe::Metrics& metrics) {
  using Key = std::tuple<const char*, http::Method, int>;  // a route's template lies where it is as long as the router
  return [&metrics, counters = std::make_shared<AnswerCounters<Key>>()](const http::Answered& answered) {
    counters->Count({answered.route.data(), answered.method, http::ToInt(answered.status)}, answered.latency,
                    [&] { return HandlesOf(answered, metrics); });
  };
}

std::function<void(const rpc::Answered&)> GrpcMetrics(observe::Metrics& metrics) {
  using Key = std::pair<const char*, absl::StatusCode>;  // a method's name lies where it is as long as the server
  return [&metrics, counters = std::make_shared<AnswerCounters<Key>>()](const rpc::Answered& answered) {
    counters->Count({answered.method.data(), answered.code}, answered.latency,
                    [&] { return HandlesOf(answered, metrics); });
  };
}

void ExposeEngine(Engine& engine, observe::Metrics& metrics) {
  ExposeCommands(engine, metrics);
  metrics.AddCallback("store_durable_position", "The last durable position of the log", {},
                      [&engine] { return static_cast<double>(engine.store().DurableWatermark().value()); });
  metrics.AddCallback("store_healthy", "1, or 0 when writes are refused", {},
                      [&engine] { return engine.store().health().ok() ? 1.0 : 0.0; });
  for (const std::string& name : engine.runner().Names()) {
    const auto add = [&](std::string_view metric, std::string_view help, auto value) {
      metrics.AddCallback(metric, help, {{"projection", name}}, [&engine, name, value] {
        for (const auto& status : engine.runner().Status()) {
          if (status.name == name) return static_cast<double>(value(status));
        }
        return 0.0;
      });
    };
    using Status = daybook::projection::ProjectionStatus;
    add("projection_position", "The position that the read model shows",
        [](const Status& s) { return s.position.value(); });
    add("projection_lag_events", "Events between the log's end and the read model",
        [](const Status& s) { return s.lag_events; });
    add("projection_stopped", "1 if it has stopped at an event", [](const Status& s) { return s.error.ok() ? 0 : 1; });
  }
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
  metrics.AddCallback("gateway_source_lag_seconds", "Now less the commit time of the newest change", {},
                      [&feed] { return absl::ToDoubleSeconds(feed.counters().source_lag); });
  metrics.AddCallback("gateway_oldest_parked_seconds", "Age of the oldest parked aggregate", {},
                      [&feed] { return absl::ToDoubleSeconds(feed.counters().oldest_parked); });
}

}  // namespace beneficiary
