#include "beneficiary/admin/admin_server.h"

#include <utility>

#include "daybook/base/log.h"
#include "daybook/base/status.h"

namespace beneficiary {

namespace http = daybook::http;
namespace observe = daybook::observe;

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& address, observe::BuildInfo build,
                                                                const observe::Health& health,
                                                                observe::Metrics& metrics, http::Router more) {
  metrics.AddProcessMetrics();
  std::unique_ptr<AdminServer> admin(new AdminServer({health, metrics, std::move(build)}));
  http::AddPages(admin->pages_.endpoints(), more);
  http::ServerOptions options;
  options.address = address;
  DAYBOOK_ASSIGN_OR_RETURN(admin->server_, http::Server::Start(std::move(more), options));
  return admin;
}

AdminServer::~AdminServer() {
  if (server_ == nullptr) return;
  const absl::Status drained = server_->Drain(absl::Seconds(1));
  if (drained.ok()) return;
  daybook::Log(daybook::LogLevel::kWarning, "requests were cut off",
               {{"edge", std::string("admin")}, {"error", drained.ToString()}});
}

}  // namespace beneficiary
