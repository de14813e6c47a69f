#include "daybook/http/client.h"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <charconv>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/http/internal/client_pool.h"
#include "daybook/http/response.h"

namespace daybook::http {
namespace {

namespace asio = boost::asio;

struct HostAndPort {
  std::string host;
  std::uint16_t port;
};

absl::StatusOr<HostAndPort> SplitAddress(std::string_view address) {
  const auto bad = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("HTTP client's address \"", ToAbsl(address), "\": expected HOST:PORT, e.g. 127.0.0.1:8000"));
  };
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = address.substr(0, colon);
  const std::string_view port_text = address.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  const bool whole = failed == std::errc() && end == port_text.data() + port_text.size();
  const bool plain = std::none_of(host.begin(), host.end(), [](char c) { return c == '/' || c == '@' || c <= ' '; });
  if (host.empty() || !plain || !whole || port == 0) return bad();
  return HostAndPort{std::string(host), port};
}

absl::Status CheckOptions(const ClientOptions& options) {
  const auto bad = [](std::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("ClientOptions: ", ToAbsl(what)));
  };
  if (options.connections_max < 1) return bad("connections_max must be at least 1");
  if (options.head_bytes_max < 256 || options.head_bytes_max > (1 << 20)) {
    return bad("head_bytes_max must be 256 B to 1 MiB");
  }
  for (const absl::Duration limit : {options.connect_timeout, options.request_timeout, options.idle_timeout}) {
    if (limit <= absl::ZeroDuration()) return bad("every time-out must be positive");
  }
  return absl::OkStatus();
}

// What a request target must not bring along: blanks and control characters would end it.
std::string CleanTarget(std::string_view target) {
  std::string clean(target.empty() ? "/" : target);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) c = '+';
  }
  return clean;
}

std::string RenderHead(const ClientRequest& request, const std::string& address) {
  // A Response's headers are what cannot break out of its line.
  Response lines(StatusCode::kOk);
  if (!FindHeader(request.headers, "Host")) lines.AddHeader("Host", address);
  for (const auto& [name, value] : request.headers) lines.AddHeader(name, value);
  std::string head =
      absl::StrCat(ToAbsl(MethodName(request.method)), " ", CleanTarget(request.target), " HTTP/1.1\r\n", lines.head());
  const bool sends_body = request.method == Method::kPost || request.method == Method::kPut ||
                          request.method == Method::kPatch || !request.body.empty();
  if (sends_body) absl::StrAppend(&head, "Content-Length: ", request.body.size(), "\r\n");
  head.append("\r\n");
  return head;
}

}  // namespace

std::optional<std::string_view> FindHeader(const HeaderList& headers, std::string_view name) {
  for (const auto& [header, value] : headers) {
    if (absl::EqualsIgnoreCase(header, ToAbsl(name))) return value;
  }
  return std::nullopt;
}

bool IsHopByHop(std::string_view name, std::string_view connection) {
  constexpr std::array<std::string_view, 9> kAlways = {
      "connection", "keep-alive",        "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
      "trailer",    "transfer-encoding", "upgrade"};
  const auto same = [&](std::string_view other) { return absl::EqualsIgnoreCase(ToAbsl(name), ToAbsl(other)); };
  if (std::any_of(kAlways.begin(), kAlways.end(), same)) return true;
  for (const absl::string_view part : absl::StrSplit(ToAbsl(connection), ',', absl::SkipWhitespace())) {
    if (same(ToStd(absl::StripAsciiWhitespace(part)))) return true;
  }
  return false;
}

struct Client::Impl {
  Impl(ClientOptions options, HostAndPort place) : pool(std::move(options), std::move(place.host), place.port) {}

  internal::ClientPool pool;
  absl::Mutex mu;
  bool stopped ABSL_GUARDED_BY(mu) = false;
  std::jthread thread;
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<Client>> Client::Start(ClientOptions options) {
  DAYBOOK_RETURN_IF_ERROR(CheckOptions(options));
  DAYBOOK_ASSIGN_OR_RETURN(HostAndPort place, SplitAddress(options.address));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(place));
  DAYBOOK_RETURN_IF_ERROR(impl->pool.PrepareTls());
  asio::post(impl->pool.context(), [pool = &impl->pool] { pool->Start(); });
  impl->thread = std::jthread([pool = &impl->pool] { pool->context().run(); });
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

Client::~Client() { Stop(); }

void Client::Stop() {
  {
    absl::MutexLock lock(&impl_->mu);
    if (impl_->stopped) return;
    impl_->stopped = true;
  }
  asio::post(impl_->pool.context(), [pool = &impl_->pool] { pool->CancelAll(); });
  impl_->thread.join();
}

void Client::Send(ClientRequest request, Callback done) {
  if (request.method == Method::kOther) return done(absl::InvalidArgumentError("a request needs a method"));
  const ClientOptions& options = impl_->pool.options();
  auto& in_flight = impl_->pool.counters().in_flight;
  if (in_flight.fetch_add(1) >= options.connections_max + options.waiting_max) {
    --in_flight;
    return done(absl::ResourceExhaustedError(
        absl::StrCat(options.waiting_max, " requests to ", options.address, " wait already")));
  }
  auto call = std::make_shared<internal::ClientCall>(impl_->pool.context());
  call->head = RenderHead(request, options.address);
  call->body = std::move(request.body);
  call->method = request.method;
  call->timeout = request.timeout.value_or(options.request_timeout);
  call->done = std::move(done);
  {
    // Under the lock: until Stop has begun, the thread will see it.
    absl::MutexLock lock(&impl_->mu);
    if (!impl_->stopped) {
      asio::post(impl_->pool.context(), [pool = &impl_->pool, call] { pool->Submit(call); });
      return;
    }
  }
  --in_flight;
  Callback refused = std::move(call->done);
  refused(absl::CancelledError("the HTTP client was stopped"));
}

ClientStats Client::stats() const {
  internal::ClientCounters& counters = impl_->pool.counters();
  ClientStats stats;
  stats.connections_open = counters.open;
  stats.in_flight = counters.in_flight;
  stats.connections_opened = counters.opened;
  stats.requests_sent = counters.sent;
  stats.requests_retried = counters.retried;
  return stats;
}

const std::string& Client::address() const { return impl_->pool.options().address; }

}  // namespace daybook::http
