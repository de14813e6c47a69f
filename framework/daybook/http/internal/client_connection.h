#ifndef DAYBOOK_HTTP_INTERNAL_CLIENT_CONNECTION_H_
#define DAYBOOK_HTTP_INTERNAL_CLIENT_CONNECTION_H_

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daybook/http/internal/client_pool.h"
#include "daybook/http/internal/exchange.h"
#include "daybook/http/internal/shard.h"

namespace daybook::http::internal {

// One connection to the server: connects, then serves one call after another. Lives on the pool's thread.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  explicit ClientConnection(ClientPool& pool);

  // Looks the name up and connects; `first` waits for it.
  void Connect(std::shared_ptr<ClientCall> first);
  // Precondition: idle.
  void Serve(std::shared_ptr<ClientCall> call);
  // Watches an idle connection for its end.
  void WatchIdle();
  void Close();

  absl::Duration idle_since() const { return idle_since_; }

 private:
  using Resolver = boost::asio::ip::basic_resolver<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
  using Parser = boost::beast::http::response_parser<GrowingBody>;

  void OnResolved(const boost::system::error_code& error, const Resolver::results_type& found);
  void OnConnected(const boost::system::error_code& error);
  void ShakeHands();
  void OnReady();
  void Write();
  void OnWritten(const boost::system::error_code& error);
  void ExpectAnswer();
  void ReadSome();
  void OnRead(const boost::system::error_code& error, std::size_t size);
  // Feeds what has been read to the parser; false: it needs more.
  bool Parse();
  void OnAnswer();
  // The call fails, and this connection with it.
  void Fail(absl::Status error);
  void FailParse(const boost::system::error_code& error);

  ClientPool& pool_;
  Socket socket_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;  // over socket_
  Resolver resolver_;
  boost::asio::steady_timer connect_timer_;
  bool closed_ = false;
  bool connected_ = false;
  bool watching_ = false;
  bool reused_ = false;    // served a call before the present one
  bool received_ = false;  // a byte of the present answer
  absl::Duration idle_since_;

  std::shared_ptr<ClientCall> call_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
};

}  // namespace daybook::http::internal

#endif  // DAYBOOK_HTTP_INTERNAL_CLIENT_CONNECTION_H_
