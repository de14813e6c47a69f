#include "floors/bare_beast.h"

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <thread>
#include <utility>

namespace daybook::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

// The body is not copied: the floor sends the same bytes from one place for every request.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const std::string& body) : stream_(std::move(socket)), body_(body) {
    stream_.socket().set_option(tcp::no_delay(true));
  }

  void Read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->Write();
    });
  }

 private:
  void Write() {
    response_ = {};
    response_.version(11);
    response_.result(http::status::ok);
    response_.set(http::field::content_type, "application/json");
    response_.body().data = const_cast<char*>(body_.data());
    response_.body().size = body_.size();
    response_.body().more = false;
    response_.content_length(body_.size());
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->Read();
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  http::response<http::buffer_body> response_;
  const std::string& body_;
};

}  // namespace

struct BareBeast::Impl {
  std::string body;
  asio::io_context io{1};
  tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::jthread thread;

  void Accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error) return;
      std::make_shared<Session>(std::move(socket), body)->Read();
      Accept();
    });
  }
};

BareBeast::BareBeast(std::string body) : impl_(std::make_unique<Impl>()) {
  impl_->body = std::move(body);
  impl_->Accept();
  impl_->thread = std::jthread([impl = impl_.get()] { impl->io.run(); });
}

BareBeast::~BareBeast() {
  impl_->io.stop();
  impl_->thread.join();
}

std::uint16_t BareBeast::port() const { return impl_->acceptor.local_endpoint().port(); }

}  // namespace daybook::bench
