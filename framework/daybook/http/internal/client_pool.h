#ifndef DAYBOOK_HTTP_INTERNAL_CLIENT_POOL_H_
#define DAYBOOK_HTTP_INTERNAL_CLIENT_POOL_H_

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/http/client.h"

namespace daybook::http::internal {

class ClientConnection;

// One request on its way: waiting, or on a connection, or done.
struct ClientCall {
  explicit ClientCall(boost::asio::io_context& context) : timer(context) {}

  std::string head;  // request line and headers, as written
  std::string body;
  Method method = Method::kGet;
  absl::Duration timeout;
  Client::Callback done;
  boost::asio::steady_timer timer;
  ClientConnection* connection = nullptr;  // null while it waits
  bool retried = false;
};

struct ClientCounters {
  std::atomic<std::size_t> open = 0;
  std::atomic<std::size_t> in_flight = 0;
  std::atomic<std::uint64_t> opened = 0;
  std::atomic<std::uint64_t> sent = 0;
  std::atomic<std::uint64_t> retried = 0;
};

// The connections to one server and the calls that wait for one. Whatever is not marked otherwise is called on the
// client's thread only, so nothing of it is locked.
class ClientPool {
 public:
  ClientPool(ClientOptions options, std::string host, std::uint16_t port);
  ~ClientPool();

  // Any thread.
  boost::asio::io_context& context() { return context_; }
  const ClientOptions& options() const { return options_; }
  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }
  ClientCounters& counters() { return counters_; }
  // Null: plain HTTP.
  boost::asio::ssl::context* tls() { return tls_.get(); }

  // Reads the files of options().tls; once, before Start.
  absl::Status PrepareTls();
  void Start();
  void Submit(std::shared_ptr<ClientCall> call);
  // Ends a call with its result; later ones are ignored.
  void Finish(const std::shared_ptr<ClientCall>& call, absl::StatusOr<ClientResponse> result);
  // The connection under a call has gone before the answer's first byte: another attempt if that is harmless.
  void RetryOrFinish(const std::shared_ptr<ClientCall>& call, const absl::Status& error);
  // Takes a connection back: it serves the next call, or waits for one.
  void Release(ClientConnection& connection);
  void Forget(ClientConnection& connection);
  // Ends every call and closes every connection.
  void CancelAll();

 private:
  using Connections = std::list<std::shared_ptr<ClientConnection>>;

  void OpenFor(std::shared_ptr<ClientCall> call);
  void ServeWaiting();
  void OnTimeout(const std::shared_ptr<ClientCall>& call);
  void Tick();

  const ClientOptions options_;
  const std::string host_;
  const std::uint16_t port_;
  ClientCounters counters_;
  bool cancelled_ = false;
  std::unique_ptr<boost::asio::ssl::context> tls_;

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{context_.get_executor()};
  boost::asio::steady_timer tick_{context_};
  Connections connections_;
  std::deque<ClientConnection*> idle_;  // the one used last at the end
  std::list<std::shared_ptr<ClientCall>> waiting_;
};

}  // namespace daybook::http::internal

#endif  // DAYBOOK_HTTP_INTERNAL_CLIENT_POOL_H_
