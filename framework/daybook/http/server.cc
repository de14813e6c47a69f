#include "daybook/http/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/check.h"
#include "daybook/base/clock.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/http/internal/exchange.h"
#include "daybook/http/internal/shard.h"
#include "daybook/http/internal/tls_context.h"

namespace daybook::http {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

// Files the rest of the process needs besides connections: stores, logs, other servers.
constexpr std::size_t kOtherFiles = 512;
constexpr std::chrono::milliseconds kAcceptPause(50);

absl::StatusOr<Tcp::endpoint> ParseAddress(std::string_view address) {
  const auto bad = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("HTTP address \"", ToAbsl(address), "\": expected IP:PORT, e.g. 127.0.0.1:8080 or [::1]:8080"));
  };
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = address.substr(0, colon);
  const std::string_view port_text = address.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  boost::system::error_code error;
  const asio::ip::address ip = asio::ip::make_address(std::string(host), error);
  if (error || failed != std::errc() || end != port_text.data() + port_text.size()) return bad();
  return Tcp::endpoint(ip, port);
}

absl::Status CheckOptions(const ServerOptions& options) {
  const auto bad = [](std::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("ServerOptions: ", ToAbsl(what)));
  };
  if (options.io_threads < 1 || options.io_threads > 256) return bad("io_threads must be 1 to 256");
  if (options.head_bytes_max < 256 || options.head_bytes_max > (1 << 20))
    return bad("head_bytes_max must be 256 B to 1 MiB");
  if (options.connections_max < 1) return bad("connections_max must be at least 1");
  for (const absl::Duration limit :
       {options.head_timeout, options.body_timeout, options.idle_timeout, options.write_timeout}) {
    if (limit <= absl::ZeroDuration()) return bad("every time-out must be positive");
  }
  return absl::OkStatus();
}

// Makes room for the connections among the process's open files; returns how many there really is room for.
std::size_t ReserveFiles(std::size_t connections) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return connections;
  const rlim_t wanted = connections + kOtherFiles;
  if (files.rlim_cur < wanted) {
    rlimit raised = files;
    raised.rlim_cur = std::min(wanted, files.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) files = raised;
  }
  if (files.rlim_cur >= wanted) return connections;
  const std::size_t room = files.rlim_cur > 2 * kOtherFiles ? files.rlim_cur - kOtherFiles : files.rlim_cur / 2;
  Log(LogLevel::kWarning, "fewer HTTP connections than configured: the limit of open files is low",
      {{"connections_max", static_cast<std::int64_t>(room)}, {"files", static_cast<std::int64_t>(files.rlim_cur)}});
  return std::max<std::size_t>(room, 1);
}

std::string ToText(const Tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return absl::StrCat(endpoint.address().is_v6() ? absl::StrCat("[", host, "]") : host, ":", endpoint.port());
}

}  // namespace

struct Server::Impl {
  std::shared_ptr<const Router> router;
  ServerOptions options;
  Tcp::endpoint endpoint;
  std::unique_ptr<asio::ssl::context> tls;  // null: in the clear
  std::vector<std::unique_ptr<internal::Shard>> shards;

  // Of the first shard's thread.
  std::unique_ptr<Tcp::acceptor> acceptor;
  std::unique_ptr<asio::steady_timer> pause;
  std::size_t next_shard = 0;

  absl::Mutex mu;
  bool drained ABSL_GUARDED_BY(mu) = false;

  absl::Status Listen();
  void Accept();
  void OnAccept(internal::Shard& shard, const boost::system::error_code& error, internal::Socket socket);
};

absl::Status Server::Impl::Listen() {
  boost::system::error_code error;
  const auto failed = [&](std::string_view step) {
    return absl::FailedPreconditionError(
        absl::StrCat("HTTP address ", ToText(endpoint), ": ", ToAbsl(step), ": ", error.message()));
  };
  acceptor = std::make_unique<Tcp::acceptor>(shards.front()->context());
  pause = std::make_unique<asio::steady_timer>(shards.front()->context());
  if (acceptor->open(endpoint.protocol(), error)) return failed("open");
  if (acceptor->set_option(Tcp::acceptor::reuse_address(true), error)) return failed("reuse_address");
  if (acceptor->bind(endpoint, error)) return failed("bind");
  if (acceptor->listen(asio::socket_base::max_listen_connections, error)) return failed("listen");
  endpoint = acceptor->local_endpoint(error);
  return error ? failed("local_endpoint") : absl::OkStatus();
}

void Server::Impl::Accept() {
  internal::Shard& shard = *shards[next_shard++ % shards.size()];
  acceptor->async_accept(shard.context(),
                         [this, &shard](const boost::system::error_code& error, internal::Socket socket) {
                           OnAccept(shard, error, std::move(socket));
                         });
}

void Server::Impl::OnAccept(internal::Shard& shard, const boost::system::error_code& error, internal::Socket socket) {
  if (!acceptor->is_open()) return;
  if (!error) {
    if (&shard == shards.front().get()) {
      shard.Adopt(std::move(socket));
    } else {
      asio::post(shard.context(), [&shard, socket = std::move(socket)]() mutable { shard.Adopt(std::move(socket)); });
    }
    return Accept();
  }
  if (error != asio::error::connection_aborted) {
    // Out of files, most likely: an idle connection gives one back.
    Log(LogLevel::kWarning, "HTTP accept failed", {{"error", error.message()}});
    shards.front()->EvictOne();
  }
  pause->expires_after(kAcceptPause);
  pause->async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled && acceptor->is_open()) Accept();
  });
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(Router router, ServerOptions options) {
  DAYBOOK_RETURN_IF_ERROR(router.status());
  DAYBOOK_RETURN_IF_ERROR(CheckOptions(options));
  auto impl = std::make_unique<Impl>();
  DAYBOOK_ASSIGN_OR_RETURN(impl->endpoint, ParseAddress(options.address));
  if (options.tls) {
    DAYBOOK_ASSIGN_OR_RETURN(impl->tls, internal::MakeTlsContext(*options.tls));
  }
  options.connections_max = ReserveFiles(options.connections_max);
  impl->router = std::make_shared<const Router>(std::move(router));
  impl->options = std::move(options);
  const auto budget = std::make_shared<internal::BodyBudget>(impl->options.body_bytes_total_max);
  const auto threads = static_cast<std::size_t>(impl->options.io_threads);
  for (std::size_t i = 0; i < threads; ++i) {
    const std::size_t share = (impl->options.connections_max + threads - 1) / threads;
    impl->shards.push_back(
        std::make_unique<internal::Shard>(impl->router, impl->options, share, budget, impl->tls.get()));
  }
  DAYBOOK_RETURN_IF_ERROR(impl->Listen());
  for (const auto& shard : impl->shards) shard->Start();
  asio::post(impl->shards.front()->context(), [raw = impl.get()] { raw->Accept(); });
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() {
  if (const absl::Status drained = Drain(absl::ZeroDuration()); !drained.ok()) {
    Log(LogLevel::kWarning, "HTTP server stopped with connections open", {{"status", drained.ToString()}});
  }
  // A shard's thread may hand a socket to another one: all threads end before any shard does.
  for (const auto& shard : impl_->shards) shard->Stop();
}

std::uint16_t Server::port() const { return impl_->endpoint.port(); }

std::string Server::address() const { return ToText(impl_->endpoint); }

ServerStats Server::stats() const {
  ServerStats stats;
  for (const auto& shard : impl_->shards) {
    const internal::Counters& counters = shard->counters();
    stats.connections_open += counters.open;
    stats.connections_accepted += counters.accepted;
    stats.connections_refused += counters.refused;
    stats.connections_evicted += counters.evicted;
    stats.requests_answered += counters.answered;
  }
  return stats;
}

absl::Status Server::Drain(absl::Duration limit) {
  {
    absl::MutexLock lock(&impl_->mu);
    if (impl_->drained) return absl::OkStatus();
    impl_->drained = true;
  }
  const absl::Duration deadline = MonotonicNow() + limit;
  asio::post(impl_->shards.front()->context(), [impl = impl_.get()] {
    boost::system::error_code ignored;
    impl->acceptor->close(ignored);
    impl->pause->cancel();
    for (const auto& shard : impl->shards) shard->BeginDrain();
  });
  std::size_t cut_off = 0;
  for (const auto& shard : impl_->shards) {
    cut_off += shard->AwaitEmpty(std::max(deadline - MonotonicNow(), absl::ZeroDuration()));
  }
  for (const auto& shard : impl_->shards) shard->CloseAll();
  if (cut_off == 0) return absl::OkStatus();
  return absl::DeadlineExceededError(
      absl::StrCat("HTTP server ", ToText(impl_->endpoint), ": ", cut_off, " connections were cut off"));
}

}  // namespace daybook::http
