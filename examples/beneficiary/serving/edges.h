#ifndef BENEFICIARY_SERVING_EDGES_H_
#define BENEFICIARY_SERVING_EDGES_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "beneficiary/app/service.h"
#include "beneficiary/serving/edge_settings.h"
#include "daybook/grpc/server.h"
#include "daybook/http/router.h"
#include "daybook/http/server.h"
#include "daybook/observe/admin_endpoints.h"
#include "daybook/observe/health.h"
#include "daybook/observe/metrics.h"

namespace beneficiary {

struct EdgeOptions {
  EdgeSettings settings;
  daybook::observe::BuildInfo build;
  // What must have happened before REST and gRPC answer anything but 503: AdmissionOptions::opens_when.
  std::function<absl::Status()> opens_when;
  // More pages of the admin address, as /status.
  std::vector<daybook::observe::AdminEndpoints::Endpoint> pages;
};

// What clients and operators see of a process: REST, gRPC and the admin pages, on addresses of their own.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto edges, Edges::Start(service, health, metrics, options));
//   shutdown->Wait();
//   edges->Drain();                                 // before what the service stands on ends
//
// Thread safety: Start and Drain from one thread. Service, health and metrics outlive it.
class Edges {
 public:
  // All of them serve when it returns. kFailedPrecondition: another process has an address.
  static absl::StatusOr<std::unique_ptr<Edges>> Start(Service& service, daybook::observe::Health& health,
                                                      daybook::observe::Metrics& metrics, EdgeOptions options);
  // As Drain().
  ~Edges();

  // No new connections; what is in flight finishes within the time-out. Idempotent.
  void Drain();

  // With the ports in force; "-" = not served.
  std::string rest_address() const;
  std::string grpc_address() const;
  std::string admin_address() const;

 private:
  struct Impl;
  explicit Edges(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Counts answered requests by route and status, with their latencies.
//
//   server_options.on_answered = HttpMetrics(metrics);
//
// Thread safety: the function from any thread. The metrics outlive it.
std::function<void(const daybook::http::Answered&)> HttpMetrics(daybook::observe::Metrics& metrics);

// Counts answered calls by method and code, with their latencies.
//
//   server_options.on_answered = GrpcMetrics(metrics);
//
// Thread safety: the function from any thread. The metrics outlive it.
std::function<void(const daybook::rpc::Answered&)> GrpcMetrics(daybook::observe::Metrics& metrics);

// Counts requests that were not admitted (api/admission.h), by edge and reason.
//
//   admission_options.on_refused = RefusalMetrics(metrics);
//
// Thread safety: the function from any thread. The metrics outlive it.
std::function<void(std::string_view edge, std::string_view reason)> RefusalMetrics(daybook::observe::Metrics& metrics);

}  // namespace beneficiary

#endif  // BENEFICIARY_SERVING_EDGES_H_
