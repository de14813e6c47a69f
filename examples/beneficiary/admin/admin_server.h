#ifndef BENEFICIARY_ADMIN_ADMIN_SERVER_H_
#define BENEFICIARY_ADMIN_ADMIN_SERVER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "daybook/http/router.h"
#include "daybook/http/server.h"
#include "daybook/observe/admin_endpoints.h"
#include "daybook/observe/health.h"
#include "daybook/observe/metrics.h"

namespace beneficiary {

// What operators see of a process, on an address of its own: /livez, /readyz, /metrics, /version
// (daybook/observe/admin_endpoints.h) and what the process adds.
//
//   http::Router more;
//   more.Add(http::Method::kGet, "/status", …);
//   DAYBOOK_ASSIGN_OR_RETURN(auto admin, AdminServer::Start(settings.admin_address, {"beneficiary-x", "0.1.0", ""},
//                                                           health, metrics, std::move(more)));
//
// Thread safety: Start and the destructor from one thread. Health and metrics outlive it.
class AdminServer {
 public:
  // Serves when it returns; adds figures of the process to the metrics. kFailedPrecondition: another process has the
  // address.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const std::string& address,
                                                            daybook::observe::BuildInfo build,
                                                            const daybook::observe::Health& health,
                                                            daybook::observe::Metrics& metrics,
                                                            daybook::http::Router more = {});
  // Gives requests in flight a second.
  ~AdminServer();

  // With the port in force.
  std::string address() const { return server_->address(); }

 private:
  explicit AdminServer(daybook::observe::AdminEndpoints pages) : pages_(std::move(pages)) {}

  daybook::observe::AdminEndpoints pages_;
  std::unique_ptr<daybook::http::Server> server_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_ADMIN_ADMIN_SERVER_H_
