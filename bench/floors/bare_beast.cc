#include "floors/bare_beast.h"

#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <thread>
#include <utility>
#include <vector>

namespace daybook::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

// Sent from where they lie, without a copy.
struct Bodies {
  std::vector<std::string> all;
  std::size_t next = 0;

  const std::string& Next() { return all[next++ % all.size()]; }
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, Bodies& bodies) : stream_(std::move(socket)), bodies_(bodies) {
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
    const std::string& body = bodies_.Next();
    response_ = {};
    response_.version(11);
    response_.result(http::status::ok);
    response_.set(http::field::content_type, "application/json");
    response_.body().data = const_cast<char*>(body.data());
    response_.body().size = body.size();
    response_.body().more = false;
    response_.content_length(body.size());
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->Read();
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  http::response<http::buffer_body> response_;
  Bodies& bodies_;
};

}  // namespace

struct BareBeast::Impl {
  Bodies bodies;
  asio::io_context io{1};
  tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::jthread thread;

  void Accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error) return;
      std::make_shared<Session>(std::move(socket), bodies)->Read();
      Accept();
    });
  }
};

BareBeast::BareBeast(std::vector<std::string> bodies) : impl_(std::make_unique<Impl>()) {
  impl_->bodies.all = std::move(bodies);
  impl_->Accept();
  impl_->thread = std::jthread([impl = impl_.get()] { impl->io.run(); });
}

BareBeast::~BareBeast() {
  impl_->io.stop();
  impl_->thread.join();
}

std::uint16_t BareBeast::port() const { return impl_->acceptor.local_endpoint().port(); }

}  // namespace daybook::bench
