#ifndef DAYBOOK_HTTP_SERVER_H_
#define DAYBOOK_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/base/tls.h"
#include "daybook/http/router.h"
#include "daybook/http/types.h"

namespace daybook::http {

// What happened to one request, for metrics and access logs. Views live as long as the call.
struct Answered {
  Method method;
  std::string_view route;  // the template; "" if none matched
  StatusCode status;
  absl::Duration latency;      // from the request's complete body to the answer's last byte given to the kernel
  std::size_t response_bytes;  // of the body
};

struct ServerOptions {
  // "host:port", numeric host, IPv6 in brackets; port 0 takes a free one, which Server::port() tells.
  std::string address = "127.0.0.1:8080";
  int io_threads = 1;

  // Without it connections are in the clear. The files are read by Start: new certificates need a new start.
  std::optional<TlsFiles> tls;

  std::size_t head_bytes_max = 16 << 10;  // above: 431
  std::size_t body_bytes_max = 1 << 20;   // above: 413; a route may have its own
  // Of all bodies that are arriving or being handled; a request that would exceed it gets 503 with Retry-After.
  std::size_t body_bytes_total_max = 256 << 20;

  // When one passes, the client gets 408 if it has sent a part of a request, and the connection closes.
  // From a request's first byte (or the accept) to its head's end; of a TLS handshake.
  absl::Duration head_timeout = absl::Seconds(10);
  absl::Duration body_timeout = absl::Seconds(30);   // from the head's end to the body's end
  absl::Duration idle_timeout = absl::Seconds(75);   // between requests of one connection
  absl::Duration write_timeout = absl::Seconds(30);  // without any progress of an answer

  // Open connections. Above, the one idle for longest between requests is closed for the new one; if none is idle, the
  // new one gets 503 with Retry-After and is closed. Start raises the process's soft limit of open files for it as far
  // as the hard limit allows, and lowers this number (logged) where that is not enough.
  std::size_t connections_max = 4096;

  // Called on the I/O thread after each answer, also for those the server gave itself; must not block or throw.
  std::function<void(const Answered&)> on_answered;
};

// Counters since Start; a consistent picture is not promised.
struct ServerStats {
  std::size_t connections_open = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  // answered 503 because connections_max were busy
  std::uint64_t connections_evicted = 0;  // idle ones closed for a new one
  std::uint64_t requests_answered = 0;
};

// An HTTP/1.1 server: a router behind a socket, on threads of its own.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto server, Server::Start(std::move(router), {.address = "127.0.0.1:0"}));
//   Log(LogLevel::kInfo, "listening", {{"port", std::int64_t{server->port()}}});
//   …
//   absl::Status drained = server->Drain(absl::Seconds(10));
//
// Thread safety: every method from any thread, but not from a handler.
// Invariants:
//  1. Requests of one connection are served one at a time, in order; what is pipelined behind waits unread.
//  2. Every complete request is answered exactly once, whatever its handler does, unless the connection is lost.
//  3. Memory is bounded: bodies by body_bytes_total_max, the rest by head_bytes_max for each connection and by one
//     answer for each request in flight.
//  4. Errors of the protocol are problem+json answers (400, 404, 405 with Allow, 408, 413, 431, 505) and never reach a
//     handler; 400 for a malformed head, 413, 408, 431 and 505 also close the connection.
class Server {
 public:
  // Binds, listens and starts serving. kInvalidArgument: the address, an option or the TLS files; the router's own
  // error; kFailedPrecondition: the address is in use or may not be bound, with the system's reason.
  static absl::StatusOr<std::unique_ptr<Server>> Start(Router router, ServerOptions options);

  // Drain(zero) if Drain was not called.
  ~Server();

  std::uint16_t port() const;
  // "127.0.0.1:40123", the address really bound.
  std::string address() const;
  ServerStats stats() const;

  // Ends gracefully: stops accepting, closes idle connections, lets requests in flight finish (answers say
  // "Connection: close"), and returns when all connections are closed. kDeadlineExceeded after `limit`, with their
  // number: the rest was cut off. Blocks; a second call returns OK at once.
  absl::Status Drain(absl::Duration limit);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::http

#endif  // DAYBOOK_HTTP_SERVER_H_
