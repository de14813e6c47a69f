#include "daybook/http/testing/client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace daybook::http::testing {
namespace {

namespace beast_http = boost::beast::http;

struct SslFreer {
  void operator()(SSL* owned) const { SSL_free(owned); }
  void operator()(SSL_CTX* owned) const { SSL_CTX_free(owned); }
};

absl::Status Gone(std::string_view what) { return absl::UnavailableError(ToAbsl(what)); }

}  // namespace

struct Client::Impl {
  std::uint16_t port;
  absl::Duration limit;
  int socket = -1;
  std::unique_ptr<SSL_CTX, SslFreer> context;  // null: in the clear
  std::unique_ptr<SSL, SslFreer> tls;
  std::string buffered;  // received and not yet taken by a reply

  absl::Status Connect();
  absl::Status Handshake();
  void Close();
  // What TLS wants before it can go on after `result`; kUnavailable: nothing will help.
  absl::Status AwaitTls(int result, absl::Duration deadline);
  absl::StatusOr<std::size_t> Send(std::string_view bytes, absl::Duration deadline);
  absl::Status Await(short events, absl::Duration deadline) const;
  // Appends what has come; kUnavailable: the server closed or reset the connection.
  absl::Status Receive(absl::Duration deadline);
  absl::Duration Deadline() const { return MonotonicNow() + limit; }
};

void Client::Impl::Close() {
  tls.reset();
  if (socket >= 0) close(socket);
  socket = -1;
  buffered.clear();
}

absl::Status Client::Impl::Connect() {
  socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return absl::InternalError(std::strerror(errno));
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return Handshake();
  const std::string why = std::strerror(errno);
  Close();
  return Gone(absl::StrCat("connect to port ", port, ": ", why));
}

absl::Status Client::Impl::Await(short events, absl::Duration deadline) const {
  while (true) {
    pollfd waiting{socket, events, 0};
    const auto left = absl::ToInt64Milliseconds(deadline - MonotonicNow());
    const int ready = left > 0 ? poll(&waiting, 1, static_cast<int>(left)) : 0;
    if (ready > 0) return absl::OkStatus();
    if (ready == 0) return absl::DeadlineExceededError("the server did not react in time");
    if (errno != EINTR) return Gone(std::strerror(errno));
  }
}

absl::Status Client::Impl::Handshake() {
  if (context == nullptr) return absl::OkStatus();
  fcntl(socket, F_SETFL, O_NONBLOCK);
  tls.reset(SSL_new(context.get()));
  SSL_set_fd(tls.get(), socket);
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls.get()), "127.0.0.1");
  const absl::Duration deadline = Deadline();
  while (true) {
    const int result = SSL_connect(tls.get());
    if (result == 1) return absl::OkStatus();
    absl::Status waited = AwaitTls(result, deadline);
    if (waited.ok()) continue;
    Close();
    return waited;
  }
}

absl::Status Client::Impl::AwaitTls(int result, absl::Duration deadline) {
  switch (SSL_get_error(tls.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Await(POLLIN, deadline);
    case SSL_ERROR_WANT_WRITE:
      return Await(POLLOUT, deadline);
    case SSL_ERROR_ZERO_RETURN:
      return Gone("closed by the server");
    default: {
      char why[256];
      ERR_error_string_n(ERR_get_error(), why, sizeof why);
      ERR_clear_error();
      return Gone(absl::StrCat("TLS: ", why));
    }
  }
}

absl::StatusOr<std::size_t> Client::Impl::Send(std::string_view bytes, absl::Duration deadline) {
  if (tls != nullptr) {
    const int size = SSL_write(tls.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (size > 0) return static_cast<std::size_t>(size);
    DAYBOOK_RETURN_IF_ERROR(AwaitTls(size, deadline));
    return std::size_t{0};
  }
  DAYBOOK_RETURN_IF_ERROR(Await(POLLOUT, deadline));
  const ssize_t size = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (size < 0 && errno != EAGAIN) return Gone(std::strerror(errno));
  return static_cast<std::size_t>(std::max<ssize_t>(size, 0));
}

absl::Status Client::Impl::Receive(absl::Duration deadline) {
  if (socket < 0) return Gone("not connected");
  std::array<char, 64 << 10> bytes;
  while (tls != nullptr) {
    const int size = SSL_read(tls.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (size <= 0) {
      DAYBOOK_RETURN_IF_ERROR(AwaitTls(size, deadline));
      continue;
    }
    buffered.append(bytes.data(), static_cast<std::size_t>(size));
    return absl::OkStatus();
  }
  DAYBOOK_RETURN_IF_ERROR(Await(POLLIN, deadline));
  const ssize_t size = recv(socket, bytes.data(), bytes.size(), 0);
  if (size < 0) return Gone(std::strerror(errno));
  if (size == 0) return Gone("closed by the server");
  buffered.append(bytes.data(), static_cast<std::size_t>(size));
  return absl::OkStatus();
}

std::string_view Reply::Header(std::string_view name) const {
  for (const auto& [header, value] : headers) {
    if (boost::beast::iequals(boost::beast::string_view(header), boost::beast::string_view(name.data(), name.size()))) {
      return value;
    }
  }
  return {};
}

Client::Client(std::uint16_t port, absl::Duration limit) : impl_(std::make_unique<Impl>()) {
  impl_->port = port;
  impl_->limit = limit;
}

Client::Client(std::uint16_t port, absl::Duration limit, const Tls& tls) : Client(port, limit) {
  std::signal(SIGPIPE, SIG_IGN);  // the library writes without MSG_NOSIGNAL
  impl_->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_verify(impl_->context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(impl_->context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_load_verify_locations(impl_->context.get(), tls.authority.c_str(), nullptr);
  if (tls.certificate_chain.empty()) return;
  SSL_CTX_use_certificate_chain_file(impl_->context.get(), tls.certificate_chain.c_str());
  SSL_CTX_use_PrivateKey_file(impl_->context.get(), tls.private_key.c_str(), SSL_FILETYPE_PEM);
}

Client::~Client() { impl_->Close(); }

void Client::Close() { impl_->Close(); }

void Client::FinishSending() { shutdown(impl_->socket, SHUT_WR); }

absl::StatusOr<Reply> Client::Send(std::string_view method, std::string_view target, const Headers& headers,
                                   std::string_view body) {
  std::string request = absl::StrCat(ToAbsl(method), " ", ToAbsl(target), " HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  for (const auto& [name, value] : headers) absl::StrAppend(&request, name, ": ", value, "\r\n");
  if (!body.empty()) absl::StrAppend(&request, "Content-Length: ", body.size(), "\r\n");
  absl::StrAppend(&request, "\r\n", ToAbsl(body));
  const Expect expect = method == "HEAD" ? Expect::kHeadOnly : Expect::kBody;
  const bool was_open = impl_->socket >= 0;
  absl::Status sent = SendRaw(request);
  absl::StatusOr<Reply> reply = ReadReply(expect);
  if (!was_open || !absl::IsUnavailable(reply.status())) return reply;
  // The server may have closed an idle connection just now.
  Close();
  DAYBOOK_RETURN_IF_ERROR(SendRaw(request));
  return ReadReply(expect);
}

absl::StatusOr<Reply> Client::Post(std::string_view target, std::string_view json, Headers headers) {
  headers.emplace_back("Content-Type", "application/json");
  return Send("POST", target, headers, json);
}

absl::Status Client::SendRaw(std::string_view bytes) {
  if (impl_->socket < 0) DAYBOOK_RETURN_IF_ERROR(impl_->Connect());
  const absl::Duration deadline = impl_->Deadline();
  while (!bytes.empty()) {
    DAYBOOK_ASSIGN_OR_RETURN(const std::size_t size, impl_->Send(bytes, deadline));
    bytes.remove_prefix(size);
  }
  return absl::OkStatus();
}

absl::StatusOr<Reply> Client::ReadReply(Expect expect) {
  const absl::Duration deadline = impl_->Deadline();
  beast_http::response_parser<beast_http::string_body> parser;
  parser.eager(true);
  parser.body_limit(boost::none);
  parser.skip(expect == Expect::kHeadOnly);
  while (!parser.is_done()) {
    boost::system::error_code error;
    const auto bytes = boost::asio::buffer(static_cast<const std::string&>(impl_->buffered));
    const std::size_t taken = bytes.size() == 0 ? 0 : parser.put(bytes, error);
    impl_->buffered.erase(0, taken);
    if (error && error != beast_http::error::need_more) {
      return absl::DataLossError(absl::StrCat("the reply is malformed: ", error.message()));
    }
    if (parser.is_done() || taken > 0) continue;
    const absl::Status received = impl_->Receive(deadline);
    if (received.ok()) continue;
    if (!absl::IsUnavailable(received)) return received;
    impl_->Close();
    if (parser.is_header_done()) parser.put_eof(error);
    if (!parser.is_done() || error) return received;
  }
  auto message = parser.release();
  Reply reply;
  reply.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    reply.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  reply.body = std::move(message.body());
  return reply;
}

bool Client::ClosedByServer() {
  const std::size_t before = impl_->buffered.size();
  return absl::IsUnavailable(impl_->Receive(impl_->Deadline())) && impl_->buffered.size() == before;
}

}  // namespace daybook::http::testing
