#include "daybook/http/internal/connection.h"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>
#include <exception>
#include <utility>

#include "daybook/base/clock.h"
#include "daybook/base/log.h"
#include "daybook/base/strings.h"
#include "daybook/http/request.h"
#include "daybook/http/responder.h"

namespace daybook::http::internal {
namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;

constexpr std::size_t kHeadReadBytes = 4 << 10;
constexpr std::size_t kBodyReadBytes = 32 << 10;
constexpr std::size_t kIdleBufferBytesMax = 16 << 10;
// How long a client may go on sending what is thrown away, so that it finds the answer instead of a reset connection.
constexpr absl::Duration kLingerLimit = absl::Seconds(5);

Method ToMethod(beast_http::verb verb) {
  switch (verb) {
    case beast_http::verb::get:
      return Method::kGet;
    case beast_http::verb::head:
      return Method::kHead;
    case beast_http::verb::post:
      return Method::kPost;
    case beast_http::verb::put:
      return Method::kPut;
    case beast_http::verb::patch:
      return Method::kPatch;
    case beast_http::verb::delete_:
      return Method::kDelete;
    case beast_http::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

bool HasBody(StatusCode status) {
  return status != StatusCode::kNoContent && status != StatusCode::kNotModified && ToInt(status) >= 200;
}

void AppendNumber(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

Problem MatchProblem(const Router::Match& match) {
  switch (match.failure) {
    case StatusCode::kBadRequest:
      return Problem(match.failure, "The path has a bad percent escape or is not UTF-8.");
    case StatusCode::kMethodNotAllowed:
      return Problem(match.failure, "This resource allows " + match.allow + ".");
    default:
      return Problem(match.failure, "There is no such resource.");
  }
}

}  // namespace

Connection::Connection(Shard& shard, Socket socket) : shard_(shard), channel_(std::move(socket), shard.tls()) {
  boost::system::error_code ignored;
  channel_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  channel_.socket().non_blocking(true, ignored);
  const auto endpoint = channel_.socket().remote_endpoint(ignored);
  if (ignored) return;
  peer_ =
      endpoint.address().is_v6() ? "[" + endpoint.address().to_string() + "]:" : endpoint.address().to_string() + ":";
  AppendNumber(peer_, endpoint.port());
}

Connection::~Connection() { DropExchange(); }

void Connection::Start() { Handshake(&Connection::BeginServing); }

void Connection::StartRefusing() { Handshake(&Connection::Refuse); }

void Connection::Handshake(void (Connection::*then)()) {
  if (!channel_.is_secured()) return (this->*then)();
  Enter(State::kHandshake, shard_.options().head_timeout);
  channel_.Handshake([self = shared_from_this(), then](const boost::system::error_code& error) {
    if (self->state_ != State::kHandshake) return;
    if (error) return self->Close();
    ((*self).*then)();
  });
}

void Connection::BeginServing() {
  if (shard_.draining()) return Close();
  Enter(State::kIdle, shard_.options().head_timeout);
  Read();
}

void Connection::Refuse() {
  Problem problem(StatusCode::kServiceUnavailable, "The server has no room for another connection.");
  problem.retry_after = absl::Seconds(1);
  Reject(std::move(problem));
}

void Connection::Close() {
  if (state_ == State::kClosed) return;
  const auto self = shared_from_this();
  state_ = State::kClosed;
  DropExchange();
  boost::system::error_code ignored;
  channel_.socket().close(ignored);
  shard_.Forget(*this);
}

void Connection::CheckDeadline(absl::Duration now) {
  if (now < deadline_) return;
  if (state_ == State::kHead || state_ == State::kBody) {
    Reject(Problem(StatusCode::kRequestTimeout,
                   state_ == State::kHead ? "The request's head took too long." : "The request's body took too long."));
  } else {
    Close();
  }
}

void Connection::Enter(State state, absl::Duration limit) {
  state_ = state;
  deadline_ = shard_.now() + limit;
  if (state == State::kIdle || state == State::kHandshake) {
    shard_.MarkIdle(*this);
  } else {
    shard_.MarkBusy(*this);
  }
}

void Connection::DropExchange() {
  if (exchange_ == nullptr) return;
  exchange_->Detach();
  exchange_.reset();
}

void Connection::Read() {
  if (reading_) return;
  reading_ = true;
  if (state_ == State::kLingering) {  // after TLS's goodbye too, when there is nothing left to decrypt for
    return channel_.socket().async_read_some(
        buffer_.prepare(kBodyReadBytes),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
          self->reading_ = false;
          if (self->state_ != State::kClosed) error ? self->Close() : self->Read();
        });
  }
  channel_.Read(buffer_.prepare(state_ == State::kBody ? kBodyReadBytes : kHeadReadBytes),
                [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                  self->OnRead(error, size);
                });
}

void Connection::OnRead(const boost::system::error_code& error, std::size_t size) {
  reading_ = false;
  if (state_ == State::kClosed) return;
  if (state_ == State::kGoodbye) return;
  if (state_ == State::kLingering && (!error || channel_.is_secured())) return Read();
  if (error) return Close();
  if (state_ == State::kWriting) return;  // a rejection; the rest is read when it is written
  buffer_.commit(size);
  Process();
}

void Connection::Process() {
  processing_ = true;
  Next next = Next::kContinue;
  while (next == Next::kContinue) next = state_ == State::kBody ? ParseBody() : ParseHead();
  processing_ = false;
  if (state_ == State::kIdle && buffer_.size() == 0 && buffer_.capacity() > kIdleBufferBytesMax) {
    buffer_.shrink_to_fit();
  }
  if (state_ == State::kIdle || state_ == State::kHead || state_ == State::kBody) Read();
}

Connection::Next Connection::ParseHead() {
  if (buffer_.size() == 0) return Next::kWait;
  if (exchange_ == nullptr) {
    exchange_ = std::make_shared<Exchange>();
    exchange_->parser.header_limit(static_cast<std::uint32_t>(shard_.options().head_bytes_max));
    // The route decides, once it is known; until then Beast's own limit is out of the way.
    exchange_->parser.body_limit(boost::none);
  }
  boost::system::error_code error;
  buffer_.consume(exchange_->parser.put(buffer_.data(), error));
  if (error == beast_http::error::need_more) {
    if (state_ == State::kIdle) Enter(State::kHead, shard_.options().head_timeout);
    return Next::kWait;
  }
  if (error) return RejectParse(error);
  return OnHead();
}

void Connection::ResolveTarget() {
  std::string_view target = exchange_->target();
  // The absolute form, which proxies send (RFC 9112 §3.2.2).
  if (const std::size_t scheme = target.find("://"); !target.starts_with('/') && scheme != std::string_view::npos) {
    const std::size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  const std::size_t question = target.find('?');
  exchange_->path = target.substr(0, question);
  if (question != std::string_view::npos) exchange_->raw_query = target.substr(question + 1);
  exchange_->method = ToMethod(exchange_->parser.get().method());
}

bool Connection::CheckHead() {
  const auto& request = exchange_->parser.get();
  const auto reject = [this](StatusCode status, std::string detail) {
    Reject(Problem(status, std::move(detail)));
    return false;
  };
  if (request.version() != 10 && request.version() != 11) {
    return reject(StatusCode::kHttpVersionNotSupported, "This server speaks HTTP/1.1 and HTTP/1.0.");
  }
  if (request.version() == 11 && request.count(beast_http::field::host) != 1) {
    return reject(StatusCode::kBadRequest, "HTTP/1.1 requires exactly one Host header.");
  }
  const bool has_encoding = request.count(beast_http::field::transfer_encoding) > 0;
  if (has_encoding && request.version() == 10) {
    return reject(StatusCode::kBadRequest, "HTTP/1.0 has no Transfer-Encoding.");
  }
  if (has_encoding && !exchange_->parser.chunked()) {
    return reject(StatusCode::kNotImplemented, "The only Transfer-Encoding supported is chunked.");
  }
  return true;
}

Connection::Next Connection::OnHead() {
  Exchange& exchange = *exchange_;
  ResolveTarget();
  if (!CheckHead()) return Next::kWait;
  keep_alive_ = exchange.parser.get().keep_alive();
  exchange.router = shard_.router();
  exchange.match = exchange.router->Find(exchange.method, exchange.path);
  const Router::Route* route = exchange.match.route;
  if (exchange.parser.is_done()) return Dispatch();
  // A request that fails is not worth its body: answer now, and close behind it.
  if (route == nullptr) return Reject(MatchProblem(exchange.match), exchange.match.allow);
  const std::uint64_t limit = route->options.body_bytes_max.value_or(shard_.options().body_bytes_max);
  exchange.parser.body_limit(limit);
  if (exchange.parser.content_length() && *exchange.parser.content_length() > limit) {
    return RejectParse(beast_http::make_error_code(beast_http::error::body_limit));
  }
  if (const auto it = exchange.parser.get().find(beast_http::field::expect); it != exchange.parser.get().end()) {
    if (!boost::beast::iequals(it->value(), "100-continue")) {
      return Reject(Problem(StatusCode::kExpectationFailed, "The only expectation supported is 100-continue."));
    }
    if (buffer_.size() == 0) TellToGoOn();
    if (state_ == State::kClosed) return Next::kWait;
  }
  exchange.parser.eager(true);
  Enter(State::kBody, shard_.options().body_timeout);
  return Next::kContinue;
}

void Connection::TellToGoOn() {
  static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
  boost::system::error_code error;
  // Nothing else of ours is in the socket's buffer, so it takes these few bytes or is broken.
  if (channel_.TryWrite(asio::buffer(kGoOn), error) == kGoOn.size()) return;
  if (!channel_.is_secured()) return Close();
  telling_ = true;
  channel_.Write(asio::buffer(kGoOn),
                 [self = shared_from_this()](const boost::system::error_code& failed, std::size_t) {
                   self->telling_ = false;
                   if (failed) return self->Close();
                   if (self->state_ == State::kWriting) self->Write();
                 });
}

Connection::Next Connection::ParseBody() {
  auto& parser = exchange_->parser;
  while (!parser.is_done()) {
    if (buffer_.size() == 0) return Next::kWait;
    boost::system::error_code error;
    const std::size_t taken = parser.put(buffer_.data(), error);
    buffer_.consume(taken);
    if (error && error != beast_http::error::need_more) return RejectParse(error);
    if (!exchange_->ChargeBody(shard_.budget())) {
      Problem problem(StatusCode::kServiceUnavailable, "The server has no room for another body.");
      problem.retry_after = absl::Seconds(1);
      return Reject(std::move(problem));
    }
    if (error || (taken == 0 && !parser.is_done())) {
      // Chunk heads and trailers are parsed whole, so they wait in the buffer: not without end.
      if (buffer_.size() > shard_.options().head_bytes_max) {
        return RejectParse(beast_http::make_error_code(beast_http::error::header_limit));
      }
      return Next::kWait;
    }
  }
  return Dispatch();
}

Connection::Next Connection::Dispatch() {
  const std::shared_ptr<Exchange> exchange = exchange_;
  if (exchange->match.route == nullptr) {
    Problem problem = MatchProblem(exchange->match);
    problem.instance = std::string(exchange->path);
    Response response = ToResponse(problem);
    if (!exchange->match.allow.empty()) response.AddHeader("Allow", exchange->match.allow);
    WriteResponse(std::move(response));
    return state_ == State::kIdle ? Next::kContinue : Next::kWait;
  }
  exchange->peer = peer_;
  if (shard_.options().on_answered) exchange->complete_at = MonotonicNow();
  exchange->Attach(this);
  Enter(State::kHandling, absl::InfiniteDuration());
  std::string failure;
  try {
    exchange->match.route->handler(Request(exchange), Responder(exchange));
  } catch (const std::exception& thrown) {
    failure = thrown.what();
  } catch (...) {
    failure = "an object that is no std::exception";
  }
  if (!failure.empty()) {
    Log(LogLevel::kError, "a handler threw", {{"route", exchange->match.route->path_template}, {"what", failure}});
  }
  return state_ == State::kIdle ? Next::kContinue : Next::kWait;
}

Connection::Next Connection::RejectParse(const boost::system::error_code& error) {
  if (error == beast_http::error::header_limit) {
    return Reject(Problem(StatusCode::kRequestHeaderFieldsTooLarge, "The request's head is larger than the limit."));
  }
  if (error == beast_http::error::body_limit) {
    return Reject(Problem(StatusCode::kContentTooLarge, "The request's body is larger than the limit."));
  }
  if (error == beast_http::error::bad_version) {
    return Reject(Problem(StatusCode::kHttpVersionNotSupported, "This server speaks HTTP/1.1 and HTTP/1.0."));
  }
  return Reject(Problem(StatusCode::kBadRequest, "The request is malformed: " + error.message() + "."));
}

Connection::Next Connection::Reject(Problem problem, std::string_view allow) {
  keep_alive_ = false;
  input_left_ = true;
  if (exchange_ != nullptr) problem.instance = std::string(exchange_->path);
  Response response = ToResponse(problem);
  if (!allow.empty()) response.AddHeader("Allow", allow);
  WriteResponse(std::move(response));
  return Next::kWait;
}

void Connection::OnAnswer(const Exchange* exchange, Response response) {
  if (exchange_.get() == exchange && state_ == State::kHandling) WriteResponse(std::move(response));
}

void Connection::PostAnswer(Exchange* exchange, Response response) {
  const auto self = weak_from_this().lock();
  if (self == nullptr) return;
  asio::post(shard_.context(), [self, kept = exchange->shared_from_this(), response = std::move(response)]() mutable {
    self->OnAnswer(kept.get(), std::move(response));
  });
}

void Connection::BuildHead(const Response& response) {
  head_.clear();
  head_.append("HTTP/1.1 ");
  AppendNumber(head_, static_cast<std::uint64_t>(ToInt(response.status())));
  head_.push_back(' ');
  head_.append(ReasonPhrase(response.status())).append("\r\nDate: ").append(shard_.date()).append("\r\n");
  head_.append(response.head());
  if (HasBody(response.status())) {
    head_.append("Content-Length: ");
    AppendNumber(head_, response.body().size());
    head_.append("\r\n");
  }
  if (!keep_alive_) {
    head_.append("Connection: close\r\n");
  } else if (exchange_ != nullptr && exchange_->parser.get().version() == 10) {
    head_.append("Connection: keep-alive\r\n");
  }
  head_.append("\r\n");
}

void Connection::WriteResponse(Response response) {
  if (shard_.draining()) keep_alive_ = false;
  response_ = std::move(response);
  send_body_ = HasBody(response_.status()) && (exchange_ == nullptr || exchange_->method != Method::kHead);
  written_ = 0;
  BuildHead(response_);
  Write();
}

std::array<asio::const_buffer, 2> Connection::Unwritten() const {
  const std::size_t from_head = std::min(written_, head_.size());
  std::string_view body = send_body_ ? std::string_view(response_.body()) : std::string_view();
  body.remove_prefix(written_ - from_head);
  return {asio::buffer(head_) + from_head, asio::buffer(body)};
}

void Connection::Write() {
  if (telling_) return Enter(State::kWriting, shard_.options().write_timeout);  // goes out behind it
  // Most answers fit into the socket's buffer at once: no trip through the reactor.
  boost::system::error_code error;
  written_ += channel_.TryWrite(Unwritten(), error);
  if (error && error != asio::error::would_block) return Close();
  if (asio::buffer_size(Unwritten()) == 0) return Finish();
  Enter(State::kWriting, shard_.options().write_timeout);
  channel_.Write(Unwritten(), [self = shared_from_this()](const boost::system::error_code& failed, std::size_t size) {
    self->OnWritten(failed, size);
  });
}

void Connection::OnWritten(const boost::system::error_code& error, std::size_t size) {
  if (state_ == State::kClosed) return;
  if (error) return Close();
  written_ += size;
  if (asio::buffer_size(Unwritten()) == 0) return Finish();
  Write();
}

void Connection::Finish() {
  ++shard_.counters().answered;
  if (const auto& observer = shard_.options().on_answered) {
    Answered answered{Method::kOther, {}, response_.status(), absl::ZeroDuration(), response_.body().size()};
    if (exchange_ != nullptr) {
      answered.method = exchange_->method;
      if (exchange_->match.route != nullptr) answered.route = exchange_->match.route->path_template;
      if (exchange_->complete_at > absl::ZeroDuration()) {
        answered.latency = MonotonicNow() - exchange_->complete_at;
      }
    }
    observer(answered);
  }
  DropExchange();
  response_ = Response(StatusCode::kOk);
  if (!keep_alive_) {
    if (channel_.is_secured()) return SayGoodbye();
    if (input_left_ || buffer_.size() > 0) return Linger();
    return Close();
  }
  Enter(State::kIdle, shard_.options().idle_timeout);
  if (processing_) return;
  if (buffer_.size() == 0) return Read();
  // What is pipelined is taken up from the loop, not from the depth of whoever answered.
  asio::post(shard_.context(), [self = shared_from_this()] {
    if (self->state_ == State::kIdle && !self->processing_) self->Process();
  });
}

// A client must be able to tell this end from a cut. One that is still sending has not answered it.
void Connection::SayGoodbye() {
  Enter(State::kGoodbye, kLingerLimit);
  channel_.ShutDown([self = shared_from_this()](const boost::system::error_code& error) {
    if (self->state_ == State::kGoodbye) error ? self->Linger() : self->Close();
  });
}

void Connection::Linger() {
  boost::system::error_code ignored;
  channel_.socket().shutdown(Socket::shutdown_send, ignored);
  buffer_.consume(buffer_.size());
  Enter(State::kLingering, kLingerLimit);
  Read();
}

}  // namespace daybook::http::internal
