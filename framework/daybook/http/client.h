#ifndef DAYBOOK_HTTP_CLIENT_H_
#define DAYBOOK_HTTP_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/http/types.h"

namespace daybook::http {

// Names and values in the order of the wire; a name may repeat.
using HeaderList = std::vector<std::pair<std::string, std::string>>;

// The first value of `name`, without regard to case; nullopt if absent. The view lives as long as `headers`.
std::optional<std::string_view> FindHeader(const HeaderList& headers, std::string_view name);

// True for a header that belongs to one connection and is not passed on (RFC 9110 §7.6.1): Connection, Keep-Alive,
// Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE, Trailer, Transfer-Encoding, Upgrade, and what
// `connection`, the value of the message's own Connection header, names.
bool IsHopByHop(std::string_view name, std::string_view connection = {});

// One request as it goes out. Content-Length and Connection are the client's: do not give them. Host is the address
// unless it is given. Control characters in names and values cannot break out of their line, as in Response.
struct ClientRequest {
  Method method = Method::kGet;  // not kOther
  std::string target = "/";      // path and query, percent-encoded already
  HeaderList headers;
  std::string body;
  std::optional<absl::Duration> timeout;  // instead of ClientOptions::request_timeout
};

// One complete answer. The body is as it came, without its transfer coding; a content coding is left alone.
struct ClientResponse {
  StatusCode status = StatusCode::kOk;
  HeaderList headers;
  std::string body;

  std::optional<std::string_view> Header(std::string_view name) const { return FindHeader(headers, name); }
};

// Whom to trust, and who this client is. The other end's certificate is always checked, its name too.
struct ClientTls {
  std::string ca_file;           // PEM: the authorities trusted; "" = the system's
  std::string server_name;       // what the certificate must name; "" = the address's host
  std::string certificate_file;  // this client's own, PEM with its chain; "" = none
  std::string key_file;          // PEM
};

struct ClientOptions {
  // "host:port": a name or a number, IPv6 in brackets. Names are looked up at each new connection.
  std::string address;
  std::size_t connections_max = 64;  // to the other end, busy and idle
  std::size_t waiting_max = 1024;    // requests that wait for a connection; above: kResourceExhausted

  std::size_t head_bytes_max = 64 << 10;
  std::size_t body_bytes_max = 16 << 20;

  std::optional<ClientTls> tls;  // nullopt = plain HTTP

  absl::Duration connect_timeout = absl::Seconds(2);   // the TLS handshake included
  absl::Duration request_timeout = absl::Seconds(10);  // from Send to the answer's last byte, waiting included
  absl::Duration idle_timeout = absl::Seconds(20);     // a connection unused for so long is closed
};

// Counters since Start; a consistent picture is not promised.
struct ClientStats {
  std::size_t connections_open = 0;
  std::size_t in_flight = 0;  // requests sent or waiting
  std::uint64_t connections_opened = 0;
  std::uint64_t requests_sent = 0;
  std::uint64_t requests_retried = 0;  // because a kept connection had been closed by the other end
};

// An asynchronous HTTP/1.1 client of one server, with kept connections, on a thread of its own.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto client, Client::Start({.address = "127.0.0.1:8000"}));
//   client->Send({.target = "/client/beneficiaries?client_id=EBPCLI000042"},
//                [](absl::StatusOr<ClientResponse> response) { … });
//
// Thread safety: every method from any thread, but no callback may destroy the client.
// Invariants:
//  1. Every callback is called exactly once, on the client's thread, or within Send if the request is not taken. It
//     must not block.
//  2. A request is written at most once, except: GET, HEAD, PUT, DELETE and OPTIONS are written once more, on a new
//     connection, if a kept connection ends before the first byte of the answer.
//  3. Memory is bounded: by waiting_max requests and by connections_max answers of body_bytes_max.
class Client {
 public:
  using Callback = absl::AnyInvocable<void(absl::StatusOr<ClientResponse>)>;

  // Starts the thread; connects nowhere yet. kInvalidArgument: the address, an option, or a file of ClientTls.
  static absl::StatusOr<std::unique_ptr<Client>> Start(ClientOptions options);

  // As Stop().
  ~Client();

  // Any complete answer is OK, whatever its status. Errors:
  //   kUnavailable        no connection, or it ended before the answer was complete; the message has the reason
  //   kDeadlineExceeded   the request's time is over; its connection is closed
  //   kResourceExhausted  waiting_max requests wait already (called within Send)
  //   kDataLoss           the answer is no HTTP
  //   kOutOfRange         the answer's head or body is over the limit
  //   kInvalidArgument    the method is kOther (called within Send)
  //   kCancelled          the client was stopped
  void Send(ClientRequest request, Callback done);

  // Ends every request with kCancelled and closes every connection; returns when the thread has ended. Idempotent.
  void Stop();

  ClientStats stats() const;
  const std::string& address() const;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::http

#endif  // DAYBOOK_HTTP_CLIENT_H_
