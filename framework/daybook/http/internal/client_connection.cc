#include "daybook/http/internal/client_connection.h"

#include <openssl/ssl.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/strings.h"

namespace daybook::http::internal {
namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;

constexpr std::size_t kReadBytes = 32 << 10;
constexpr std::size_t kIdleBufferBytesMax = 64 << 10;

}  // namespace

ClientConnection::ClientConnection(ClientPool& pool)
    : pool_(pool), socket_(pool.context()), resolver_(pool.context()), connect_timer_(pool.context()) {}

void ClientConnection::Connect(std::shared_ptr<ClientCall> first) {
  call_ = std::move(first);
  call_->connection = this;
  connect_timer_.expires_after(absl::ToChronoNanoseconds(pool_.options().connect_timeout));
  connect_timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
    if (error || self->connected_ || self->closed_) return;
    self->Fail(absl::UnavailableError(
        absl::StrCat("connect: no answer within ", absl::FormatDuration(self->pool_.options().connect_timeout))));
  });
  boost::system::error_code not_numeric;
  const asio::ip::address address = asio::ip::make_address(pool_.host(), not_numeric);
  if (not_numeric) {
    return resolver_.async_resolve(
        pool_.host(), std::to_string(pool_.port()),
        [self = shared_from_this()](const boost::system::error_code& error, const Resolver::results_type& found) {
          self->OnResolved(error, found);
        });
  }
  OnResolved({}, Resolver::results_type::create({address, pool_.port()}, pool_.host(), ""));
}

void ClientConnection::OnResolved(const boost::system::error_code& error, const Resolver::results_type& found) {
  if (closed_) return;
  if (error) return Fail(absl::UnavailableError(absl::StrCat("look-up: ", error.message())));
  asio::async_connect(socket_, found,
                      [self = shared_from_this()](const boost::system::error_code& failed,
                                                  const asio::ip::tcp::endpoint&) { self->OnConnected(failed); });
}

void ClientConnection::OnConnected(const boost::system::error_code& error) {
  if (closed_) return;
  if (error) return Fail(absl::UnavailableError(absl::StrCat("connect: ", error.message())));
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  if (pool_.tls() == nullptr) return OnReady();
  ShakeHands();
}

void ClientConnection::ShakeHands() {
  tls_.emplace(socket_, *pool_.tls());
  const std::string& named = pool_.options().tls->server_name;
  const std::string& name = named.empty() ? pool_.host() : named;
  boost::system::error_code not_numeric;
  asio::ip::make_address(name, not_numeric);
  // Server name indication has no place for numbers.
  if (not_numeric && SSL_set_tlsext_host_name(tls_->native_handle(), name.c_str()) != 1) {
    return Fail(absl::UnavailableError(absl::StrCat("TLS: ", name, " is no server's name")));
  }
  tls_->set_verify_callback(asio::ssl::host_name_verification(name), not_numeric);
  tls_->async_handshake(asio::ssl::stream_base::client,
                        [self = shared_from_this()](const boost::system::error_code& failed) {
                          if (self->closed_) return;
                          if (!failed) return self->OnReady();
                          self->Fail(absl::UnavailableError(absl::StrCat("TLS: ", failed.message())));
                        });
}

void ClientConnection::OnReady() {
  connected_ = true;
  connect_timer_.cancel();
  Write();
}

void ClientConnection::Serve(std::shared_ptr<ClientCall> call) {
  reused_ = true;
  call_ = std::move(call);
  call_->connection = this;
  Write();
}

void ClientConnection::Write() {
  received_ = false;
  ++pool_.counters().sent;
  // The answer may come, and end the call, before all is written: the bytes stay with the handler.
  const std::array<asio::const_buffer, 2> bytes{asio::buffer(call_->head), asio::buffer(call_->body)};
  auto written = [self = shared_from_this(), kept = call_](const boost::system::error_code& error, std::size_t) {
    if (self->call_ == kept) self->OnWritten(error);
  };
  if (tls_) return asio::async_write(*tls_, bytes, std::move(written));
  asio::async_write(socket_, bytes, std::move(written));
}

void ClientConnection::OnWritten(const boost::system::error_code& error) {
  if (closed_) return;
  // A server that refuses a request early answers and closes: the answer counts, if there is one to read.
  if (error && error != asio::error::broken_pipe && error != asio::error::connection_reset) {
    return Fail(absl::UnavailableError(absl::StrCat("write: ", error.message())));
  }
  ExpectAnswer();
  ReadSome();
}

void ClientConnection::ExpectAnswer() {
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(pool_.options().head_bytes_max));
  parser_->body_limit(pool_.options().body_bytes_max);
  parser_->eager(true);
  parser_->skip(call_->method == Method::kHead);
}

void ClientConnection::ReadSome() {
  auto read = [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
    self->OnRead(error, size);
  };
  if (tls_) return tls_->async_read_some(buffer_.prepare(kReadBytes), std::move(read));
  socket_.async_read_some(buffer_.prepare(kReadBytes), std::move(read));
}

void ClientConnection::OnRead(const boost::system::error_code& error, std::size_t size) {
  if (closed_) return;
  if (size > 0) received_ = true;
  buffer_.commit(size);
  if (!error) {
    if (!Parse()) return ReadSome();
    return;
  }
  if (error == asio::error::eof && received_ && parser_->is_header_done()) {
    // An answer without a length ends with its connection.
    boost::system::error_code incomplete;
    parser_->put_eof(incomplete);
    if (!incomplete && parser_->is_done()) return OnAnswer();
  }
  Fail(absl::UnavailableError(absl::StrCat("read: ", error.message())));
}

bool ClientConnection::Parse() {
  while (buffer_.size() > 0 && !parser_->is_done()) {
    boost::system::error_code error;
    const std::size_t taken = parser_->put(buffer_.data(), error);
    buffer_.consume(taken);
    if (error == beast_http::error::need_more) break;
    if (error) {
      FailParse(error);
      return true;
    }
    // An interim answer (100, 103) precedes the real one.
    const unsigned status = parser_->is_done() ? parser_->get().result_int() : 0;
    if (status >= 100 && status < 200 && status != 101) ExpectAnswer();
    if (taken == 0) break;
  }
  if (parser_->is_done()) {
    OnAnswer();
    return true;
  }
  // Chunk heads and trailers are parsed whole, so they wait in the buffer: not without end.
  if (buffer_.size() <= pool_.options().head_bytes_max) return false;
  FailParse(beast_http::make_error_code(beast_http::error::header_limit));
  return true;
}

void ClientConnection::FailParse(const boost::system::error_code& error) {
  if (error == beast_http::error::header_limit || error == beast_http::error::body_limit) {
    return Fail(absl::OutOfRangeError(absl::StrCat("the answer is over the limit: ", error.message())));
  }
  Fail(absl::DataLossError(absl::StrCat("the answer is no HTTP: ", error.message())));
}

void ClientConnection::OnAnswer() {
  const auto self = shared_from_this();
  const bool keep = parser_->keep_alive() && buffer_.size() == 0 && parser_->get().result_int() != 101;
  ClientResponse response;
  auto message = parser_->release();
  response.status = StatusCode(static_cast<std::uint16_t>(message.result_int()));
  for (const auto& field : message) {
    response.headers.emplace_back(std::string(ToStdView(field.name_string())), std::string(ToStdView(field.value())));
  }
  response.body = std::move(message.body());
  parser_.reset();
  const std::shared_ptr<ClientCall> call = std::exchange(call_, nullptr);
  call->connection = nullptr;
  if (keep) {
    if (buffer_.capacity() > kIdleBufferBytesMax) buffer_.shrink_to_fit();
    pool_.Release(*this);
  } else {
    Close();
  }
  pool_.Finish(call, std::move(response));
}

void ClientConnection::Fail(absl::Status error) {
  const auto self = shared_from_this();
  const std::shared_ptr<ClientCall> call = std::exchange(call_, nullptr);
  const bool stale = reused_ && !received_ && absl::IsUnavailable(error);
  Close();
  if (call == nullptr) return;
  error = absl::Status(error.code(), absl::StrCat(pool_.options().address, ": ", error.message()));
  if (stale) return pool_.RetryOrFinish(call, error);
  pool_.Finish(call, error);
}

void ClientConnection::WatchIdle() {
  idle_since_ = MonotonicNow();
  if (watching_) return;
  watching_ = true;
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
    self->watching_ = false;
    if (error || self->closed_ || self->call_ != nullptr) return;
    // Idle and readable: closed by the other end, or it talks out of turn. The readiness may be an old answer's.
    char byte = 0;
    boost::system::error_code failed;
    self->socket_.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, failed);
    if (failed == asio::error::would_block) return self->WatchIdle();
    self->Close();
  });
}

void ClientConnection::Close() {
  if (closed_) return;
  const auto self = shared_from_this();
  closed_ = true;
  connect_timer_.cancel();
  resolver_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
  const std::shared_ptr<ClientCall> call = std::exchange(call_, nullptr);
  if (call != nullptr) pool_.Finish(call, absl::CancelledError("the HTTP client was stopped"));
  pool_.Forget(*this);
}

}  // namespace daybook::http::internal
