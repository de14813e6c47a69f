#include "daybook/http/internal/client_pool.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/base/log.h"
#include "daybook/base/strings.h"
#include "daybook/http/internal/client_connection.h"

namespace daybook::http::internal {
namespace {

constexpr std::chrono::milliseconds kIdleCheckInterval(500);

bool IsIdempotent(Method method) { return method != Method::kPost && method != Method::kPatch; }

}  // namespace

ClientPool::ClientPool(ClientOptions options, std::string host, std::uint16_t port)
    : options_(std::move(options)), host_(std::move(host)), port_(port) {}

ClientPool::~ClientPool() = default;

absl::Status ClientPool::PrepareTls() {
  if (!options_.tls) return absl::OkStatus();
  namespace ssl = boost::asio::ssl;
  const ClientTls& files = *options_.tls;
  boost::system::error_code error;
  const auto failed = [&](std::string_view what, const std::string& file) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(what), " ", file, ": ", error.message()));
  };
  tls_ = std::make_unique<ssl::context>(ssl::context::tls_client);
  tls_->set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, error);
  tls_->set_verify_mode(ssl::verify_peer, error);
  if (files.ca_file.empty()) {
    if (tls_->set_default_verify_paths(error)) return failed("the system's authorities", "");
  } else if (tls_->load_verify_file(files.ca_file, error)) {
    return failed("the authorities in", files.ca_file);
  }
  if (files.certificate_file.empty()) return absl::OkStatus();
  if (tls_->use_certificate_chain_file(files.certificate_file, error)) {
    return failed("the certificate in", files.certificate_file);
  }
  if (tls_->use_private_key_file(files.key_file, ssl::context::pem, error)) return failed("the key in", files.key_file);
  return absl::OkStatus();
}

void ClientPool::Start() { Tick(); }

void ClientPool::Tick() {
  const absl::Duration now = MonotonicNow();
  while (!idle_.empty() && now - idle_.front()->idle_since() >= options_.idle_timeout) idle_.front()->Close();
  tick_.expires_after(kIdleCheckInterval);
  tick_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !cancelled_) Tick();  // what is due already is not cancelled any more
  });
}

void ClientPool::Submit(std::shared_ptr<ClientCall> call) {
  if (cancelled_) return Finish(call, absl::CancelledError("the HTTP client was stopped"));
  call->timer.expires_after(absl::ToChronoNanoseconds(call->timeout));
  call->timer.async_wait([this, weak = std::weak_ptr(call)](const boost::system::error_code& error) {
    const auto late = weak.lock();
    if (!error && late != nullptr) OnTimeout(late);
  });
  if (!idle_.empty()) {
    ClientConnection* connection = idle_.back();
    idle_.pop_back();
    return connection->Serve(std::move(call));
  }
  if (connections_.size() < options_.connections_max) return OpenFor(std::move(call));
  waiting_.push_back(std::move(call));
}

void ClientPool::OpenFor(std::shared_ptr<ClientCall> call) {
  connections_.push_back(std::make_shared<ClientConnection>(*this));
  counters_.open = connections_.size();
  ++counters_.opened;
  connections_.back()->Connect(std::move(call));
}

void ClientPool::Finish(const std::shared_ptr<ClientCall>& call, absl::StatusOr<ClientResponse> result) {
  if (call->done == nullptr) return;
  call->timer.cancel();
  call->connection = nullptr;
  --counters_.in_flight;
  Client::Callback done = std::exchange(call->done, nullptr);
  std::string failure;
  try {
    done(std::move(result));
  } catch (const std::exception& thrown) {
    failure = thrown.what();
  } catch (...) {
    failure = "an object that is no std::exception";
  }
  if (!failure.empty()) Log(LogLevel::kError, "an HTTP client's callback threw", {{"what", failure}});
}

void ClientPool::RetryOrFinish(const std::shared_ptr<ClientCall>& call, const absl::Status& error) {
  if (call->done == nullptr) return;
  if (call->retried || cancelled_ || !IsIdempotent(call->method)) return Finish(call, error);
  call->retried = true;
  call->connection = nullptr;
  ++counters_.retried;
  // A new connection for certain: other kept ones may have been closed by the same restart.
  while (connections_.size() >= options_.connections_max && !idle_.empty()) idle_.front()->Close();
  if (connections_.size() < options_.connections_max) return OpenFor(call);
  waiting_.push_front(call);
}

void ClientPool::OnTimeout(const std::shared_ptr<ClientCall>& call) {
  ClientConnection* connection = call->connection;
  const absl::Duration timeout = call->timeout;
  if (connection == nullptr) waiting_.remove(call);
  // First the call: closing its connection must not retry it.
  Finish(call, absl::DeadlineExceededError(absl::StrCat("no complete answer from ", options_.address, " within ",
                                                        absl::FormatDuration(timeout))));
  if (connection != nullptr) connection->Close();
}

void ClientPool::ServeWaiting() {
  while (!waiting_.empty() && connections_.size() < options_.connections_max && !cancelled_) {
    const std::shared_ptr<ClientCall> call = waiting_.front();
    waiting_.pop_front();
    OpenFor(call);
  }
}

void ClientPool::Release(ClientConnection& connection) {
  if (waiting_.empty()) {
    idle_.push_back(&connection);
    return connection.WatchIdle();
  }
  const std::shared_ptr<ClientCall> call = waiting_.front();
  waiting_.pop_front();
  connection.Serve(call);
}

void ClientPool::Forget(ClientConnection& connection) {
  idle_.erase(std::remove(idle_.begin(), idle_.end(), &connection), idle_.end());
  connections_.remove_if([&](const std::shared_ptr<ClientConnection>& held) { return held.get() == &connection; });
  counters_.open = connections_.size();
  ServeWaiting();
}

void ClientPool::CancelAll() {
  cancelled_ = true;
  tick_.cancel();
  const absl::Status error = absl::CancelledError("the HTTP client was stopped");
  for (const auto& call : std::exchange(waiting_, {})) Finish(call, error);
  while (!connections_.empty()) connections_.front()->Close();
  work_.reset();
}

}  // namespace daybook::http::internal
