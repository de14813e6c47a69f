#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "beneficiary/serving/edges.h"

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

std::function<void(std::string_view, std::string_view)> RefusalMetrics(observe::Metrics& metrics) {
  return [&metrics](std::string_view edge, std::string_view reason) {
    metrics
        .GetCounter("requests_refused_total", "Requests that were not admitted, by edge and reason",
                    {{"edge", std::string(edge)}, {"reason", std::string(reason)}})
        .Increment();
  };
}

}  // namespace beneficiary
