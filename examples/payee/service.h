#ifndef PAYEE_SERVICE_H_
#define PAYEE_SERVICE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/http/request.h"
#include "daybook/http/responder.h"
#include "daybook/http/router.h"
#include "daybook/http/server.h"
#include "daybook/observe/admin_endpoints.h"
#include "daybook/observe/health.h"
#include "daybook/observe/metrics.h"
#include "daybook/projection/projector.h"
#include "daybook/runtime/executor.h"
#include "daybook/runtime/partition.h"
#include "daybook/store/event_store.h"
#include "daybook/store/key_value.h"
#include "payee/payee.h"

namespace payee {

// "host:port"; port 0 = a free one.
struct Addresses {
  std::string api;
  std::string admin;  // for operators: /livez, /readyz, /metrics, /version
};

// The whole service on one data directory:
//
//   PUT  /payees/{id}           {"name":"Alice"}     registers
//   POST /payees/{id}:suspend   {"reason":"fraud"}   suspends
//   GET  /payees/{id}                                shows
//
// Thread safety: Start and the destructor on one thread. Invariant: a write is answered once it is durable and shown.
class Service {
 public:
  // Opens the data and serves. The stores' and the servers' errors.
  static absl::StatusOr<std::unique_ptr<Service>> Start(const std::string& data_dir, const Addresses& addresses);
  ~Service();

  std::uint16_t port() const { return server_->port(); }
  std::uint16_t admin_port() const { return admin_->port(); }

 private:
  Service() = default;

  absl::Status Open(const std::string& data_dir);
  daybook::http::Router Routes();
  daybook::http::Router AdminRoutes();
  void Execute(const daybook::http::Request& request, Payee::Command command, daybook::http::Responder responder);
  void Answer(std::string_view id, daybook::http::Responder responder) const;

  // [members]
  // In the order of their dependence: the last one goes first.
  std::unique_ptr<daybook::store::EventStore> events_;
  std::unique_ptr<daybook::store::KeyValue> read_models_;
  std::unique_ptr<daybook::runtime::Partition> partition_;
  std::unique_ptr<daybook::runtime::Executor<Payee>> payees_;
  std::unique_ptr<daybook::projection::ProjectionRunner> projections_;
  daybook::observe::Health health_;
  daybook::observe::Metrics metrics_;
  daybook::observe::AdminEndpoints admin_pages_{health_, metrics_, {"payee", "0.1.0", ""}};
  std::unique_ptr<daybook::http::Server> admin_;
  std::unique_ptr<daybook::http::Server> server_;
  // [members]
};

}  // namespace payee

#endif  // PAYEE_SERVICE_H_
