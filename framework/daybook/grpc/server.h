#ifndef DAYBOOK_GRPC_SERVER_H_
#define DAYBOOK_GRPC_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/base/tls.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace daybook::rpc {

// What happened to one call of a registered method, for metrics and access logs. Views live as long as the call.
struct Answered {
  std::string_view method;  // "/beneficiary.v1.BeneficiaryQueries/GetBeneficiary"
  absl::StatusCode code;
  absl::Duration latency;  // from the request's head to the status given to the library
};

// One service to serve.
struct ServiceEntry {
  std::string name;          // generated: BeneficiaryQueries::service_full_name()
  ::grpc::Service* service;  // not owned; must outlive the Server
};

enum class Reflection { kOff, kOn };

struct ServerOptions {
  // "host:port"; port 0 takes a free one, which Server::port() tells.
  std::string address = "127.0.0.1:9090";

  // Without it calls come in the clear. The files are read by Start: new certificates need a new start.
  std::optional<TlsFiles> tls;

  std::size_t request_bytes_max = 1 << 20;   // above: RESOURCE_EXHAUSTED
  std::size_t response_bytes_max = 4 << 20;  // what clients take by default
  std::size_t metadata_bytes_max = 16 << 10;
  std::size_t memory_bytes_max = 256 << 20;  // of all calls together; new ones are refused above

  // grpc.health.v1 reports SERVING, for "" and every service, while this returns true. Asked on a thread of its own,
  // every `ready_poll`. Empty: always ready.
  std::function<bool()> ready;
  absl::Duration ready_poll = absl::Milliseconds(200);

  Reflection reflection = Reflection::kOn;

  // Called on one of the library's threads as each call ends; must not block or throw.
  std::function<void(const Answered&)> on_answered;
};

// A gRPC server for generated callback services, with health (grpc.health.v1) and reflection.
//
//   DAYBOOK_ASSIGN_OR_RETURN(
//       auto server, Server::Start({.address = "127.0.0.1:0", .ready = [&] { return health.ready(); }},
//                                  {{BeneficiaryQueries::service_full_name(), &queries}}));
//   …
//   absl::Status drained = server->Drain(absl::Seconds(10));
//
// Thread safety: every method from any thread, but not from a service's method.
// Invariants:
//  1. No call is answered before Start returned OK; none is accepted after Drain began.
//  2. The library's own log lines come out as this process's JSON lines.
class Server {
 public:
  // kInvalidArgument: address, options or TLS files; kFailedPrecondition: the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options, std::vector<ServiceEntry> services);

  // Drain(zero) if Drain was not called.
  ~Server();

  std::uint16_t port() const;
  // "127.0.0.1:40123", the address really bound.
  std::string address() const;

  // Ends gracefully: health says NOT_SERVING, new calls are refused, those in flight may finish; after `limit` they are
  // cancelled, and it returns kDeadlineExceeded. Blocks until every call's handler has finished it, also a cancelled
  // one. A second call returns OK at once.
  absl::Status Drain(absl::Duration limit);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::rpc

#endif  // DAYBOOK_GRPC_SERVER_H_
