#include "daybook/grpc/server.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/support/server_interceptor.h>

#include <charconv>
#include <chrono>
#include <limits>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/clock.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace daybook::rpc {
namespace {

void LogFromLibrary(gpr_log_func_args* args) noexcept {
  const LogLevel level = args->severity == GPR_LOG_SEVERITY_ERROR  ? LogLevel::kError
                         : args->severity == GPR_LOG_SEVERITY_INFO ? LogLevel::kInfo
                                                                   : LogLevel::kDebug;
  Log(level, args->message, {{"library", std::string("grpc")}});
}

// What the library keeps for the whole process, set before the first server is built.
void PrepareLibrary() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Held for ever: when the last server or channel goes, the library's own shutdown sometimes waits ten seconds.
    grpc_init();
    gpr_set_log_function(LogFromLibrary);
    ::grpc::EnableDefaultHealthCheckService(true);
  });
}

absl::Status CheckOptions(const ServerOptions& options) {
  const std::size_t colon = options.address.rfind(':');
  std::uint16_t port = 0;
  const char* const end = options.address.data() + options.address.size();
  const char* const begin = colon == std::string::npos ? end : options.address.data() + colon + 1;
  const auto [parsed, failed] = std::from_chars(begin, end, port);
  if (colon == 0 || failed != std::errc() || parsed != end) {
    return absl::InvalidArgumentError(
        absl::StrCat("gRPC address \"", options.address, "\": expected HOST:PORT, e.g. 127.0.0.1:9090"));
  }
  constexpr std::size_t kMax = std::numeric_limits<int>::max();
  for (const std::size_t bytes : {options.request_bytes_max, options.response_bytes_max, options.metadata_bytes_max}) {
    if (bytes < 1024 || bytes > kMax) return absl::InvalidArgumentError("gRPC limits must be 1 KiB to 2 GiB - 1");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<::grpc::ServerCredentials>> MakeCredentials(const std::optional<TlsFiles>& tls) {
  if (!tls) return ::grpc::InsecureServerCredentials();
  DAYBOOK_ASSIGN_OR_RETURN(TlsIdentity identity, ReadTls(*tls));
  const bool asks_clients = !identity.client_authority.empty();
  ::grpc::SslServerCredentialsOptions options(asks_clients ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                                           : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  options.pem_root_certs = std::move(identity.client_authority);
  options.pem_key_cert_pairs.push_back({std::move(identity.private_key), std::move(identity.certificate_chain)});
  return ::grpc::SslServerCredentials(options);
}

// Being linked, the reflection library adds itself to every server of the process; this takes it out of one.
class WithoutReflection final : public ::grpc::ServerBuilderOption {
 public:
  void UpdateArguments(::grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<::grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) {
      return dynamic_cast<::grpc::reflection::ProtoServerReflectionPlugin*>(plugin.get()) != nullptr;
    });
  }
};

// Tells of every call's end. gRPC's own codes are Abseil's, number by number.
class AnswerTeller final : public ::grpc::experimental::Interceptor {
 public:
  AnswerTeller(const std::function<void(const Answered&)>& tell, const char* method)
      : tell_(tell), method_(method), began_(MonotonicNow()) {}

  void Intercept(::grpc::experimental::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(::grpc::experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      const auto code = static_cast<absl::StatusCode>(batch->GetSendStatus().error_code());
      tell_({method_, code, MonotonicNow() - began_});
    }
    batch->Proceed();
  }

 private:
  const std::function<void(const Answered&)>& tell_;
  const char* const method_;  // the registered method's
  const absl::Duration began_;
};

class AnswerTellers final : public ::grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit AnswerTellers(const std::function<void(const Answered&)>& tell) : tell_(tell) {}
  ::grpc::experimental::Interceptor* CreateServerInterceptor(::grpc::experimental::ServerRpcInfo* call) override {
    return new AnswerTeller(tell_, call->method());
  }

 private:
  const std::function<void(const Answered&)>& tell_;
};

void TellAnswers(const std::function<void(const Answered&)>& tell, ::grpc::ServerBuilder& builder) {
  if (!tell) return;
  std::vector<std::unique_ptr<::grpc::experimental::ServerInterceptorFactoryInterface>> tellers;
  tellers.push_back(std::make_unique<AnswerTellers>(tell));
  builder.experimental().SetInterceptorCreators(std::move(tellers));
}

void ApplyLimits(const ServerOptions& options, ::grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.request_bytes_max));
  builder.SetMaxSendMessageSize(static_cast<int>(options.response_bytes_max));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, static_cast<int>(options.metadata_bytes_max));
  // Two servers on one port would share its calls between them, silently.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  ::grpc::ResourceQuota quota("daybook");
  quota.Resize(options.memory_bytes_max);
  builder.SetResourceQuota(quota);
  // Only the reflection service is synchronous: two threads are plenty.
  builder.SetSyncServerOption(::grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(::grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(::grpc::ServerBuilder::MAX_POLLERS, 2);
}

}  // namespace

struct Server::Impl {
  ServerOptions options;
  std::vector<ServiceEntry> services;
  std::unique_ptr<::grpc::Server> server;
  int port = 0;

  absl::Mutex mu;
  bool draining ABSL_GUARDED_BY(mu) = false;
  std::jthread health;

  bool Ready() const;
  void Report(bool serving) const;
  void WatchHealth(bool reported, const std::stop_token& stop);
};

bool Server::Impl::Ready() const {
  if (!options.ready) return true;
  try {
    return options.ready();
  } catch (...) {
    return false;
  }
}

void Server::Impl::Report(bool serving) const {
  ::grpc::HealthCheckServiceInterface* health_service = server->GetHealthCheckService();
  for (const ServiceEntry& entry : services) health_service->SetServingStatus(entry.name, serving);
  health_service->SetServingStatus("", serving);
}

// Reports changes only: whoever watches would be sent the same status again.
void Server::Impl::WatchHealth(bool reported, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      absl::MutexLock lock(&mu);
      if (mu.AwaitWithTimeout(absl::Condition(&draining), options.ready_poll)) return;
    }
    const bool ready = Ready();
    if (ready != reported) Report(ready);
    reported = ready;
  }
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options, std::vector<ServiceEntry> services) {
  DAYBOOK_RETURN_IF_ERROR(CheckOptions(options));
  PrepareLibrary();
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  impl->services = std::move(services);
  ::grpc::ServerBuilder builder;
  ApplyLimits(impl->options, builder);
  TellAnswers(impl->options.on_answered, builder);
  DAYBOOK_ASSIGN_OR_RETURN(const auto credentials, MakeCredentials(impl->options.tls));
  builder.AddListeningPort(impl->options.address, credentials, &impl->port);
  if (impl->options.reflection == Reflection::kOff) builder.SetOption(std::make_unique<WithoutReflection>());
  for (const ServiceEntry& entry : impl->services) builder.RegisterService(entry.service);
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || impl->port == 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("gRPC address ", impl->options.address, ": cannot listen there; is another process using it?"));
  }
  const bool ready = impl->Ready();
  impl->Report(ready);
  impl->health =
      std::jthread([raw = impl.get(), ready](const std::stop_token& stop) { raw->WatchHealth(ready, stop); });
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() {
  if (const absl::Status drained = Drain(absl::ZeroDuration()); !drained.ok()) {
    Log(LogLevel::kWarning, "gRPC server stopped with calls in flight", {{"status", drained.ToString()}});
  }
}

std::uint16_t Server::port() const { return static_cast<std::uint16_t>(impl_->port); }

std::string Server::address() const {
  return absl::StrCat(impl_->options.address.substr(0, impl_->options.address.rfind(':')), ":", impl_->port);
}

absl::Status Server::Drain(absl::Duration limit) {
  {
    absl::MutexLock lock(&impl_->mu);
    if (impl_->draining) return absl::OkStatus();
    impl_->draining = true;
  }
  impl_->health.join();
  impl_->server->GetHealthCheckService()->Shutdown();
  const absl::Duration start = MonotonicNow();
  const auto deadline = absl::ToChronoTime(ToAbslTime(Clock::System().Now()) + limit);
  impl_->server->Shutdown(deadline);
  if (limit == absl::ZeroDuration() || MonotonicNow() - start < limit) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat("gRPC server ", address(), ": calls in flight were cancelled"));
}

}  // namespace daybook::rpc
