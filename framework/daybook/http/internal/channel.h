#ifndef DAYBOOK_HTTP_INTERNAL_CHANNEL_H_
#define DAYBOOK_HTTP_INTERNAL_CHANNEL_H_

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstddef>
#include <optional>
#include <utility>

namespace daybook::http::internal {

// A socket that knows its executor's type: no virtual call, and no allocation for it, on each operation.
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

// A connection's bytes: in the clear, or through TLS. Lives on its connection's thread.
class Channel {
 public:
  // `tls` = nullptr: in the clear. Else Handshake comes first, and the context outlives it.
  Channel(Socket socket, boost::asio::ssl::context* tls) : socket_(std::move(socket)) {
    if (tls != nullptr) tls_.emplace(socket_, *tls);
  }

  Socket& socket() { return socket_; }
  bool is_secured() const { return tls_.has_value(); }

  // Precondition of these two: is_secured().
  template <class Handler>
  void Handshake(Handler handler) {
    tls_->async_handshake(boost::asio::ssl::stream_base::server, std::move(handler));
  }
  // Says goodbye and waits for the other side's.
  template <class Handler>
  void ShutDown(Handler handler) {
    tls_->async_shutdown(std::move(handler));
  }

  template <class Buffers, class Handler>
  void Read(const Buffers& buffers, Handler handler) {
    if (tls_.has_value()) {
      tls_->async_read_some(buffers, std::move(handler));
    } else {
      socket_.async_read_some(buffers, std::move(handler));
    }
  }

  template <class Buffers, class Handler>
  void Write(const Buffers& buffers, Handler handler) {
    if (tls_.has_value()) {
      tls_->async_write_some(buffers, std::move(handler));
    } else {
      socket_.async_write_some(buffers, std::move(handler));
    }
  }

  // What the kernel takes at once; nothing of what is to be secured, whose records must go out whole.
  template <class Buffers>
  std::size_t TryWrite(const Buffers& buffers, boost::system::error_code& error) {
    if (!tls_.has_value()) return socket_.write_some(buffers, error);
    error = boost::asio::error::would_block;
    return 0;
  }

 private:
  Socket socket_;
  std::optional<boost::asio::ssl::stream<Socket&>> tls_;
};

}  // namespace daybook::http::internal

#endif  // DAYBOOK_HTTP_INTERNAL_CHANNEL_H_
