#include "daybook/grpc/unary_call.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include "daybook/base/check.h"
#include "daybook/base/clock.h"
#include "daybook/base/log.h"
#include "daybook/grpc/status.h"

namespace daybook::rpc {

UnaryCall::UnaryCall(::grpc::CallbackServerContext* context) : context_(context), reactor_(context->DefaultReactor()) {}

UnaryCall::UnaryCall(UnaryCall&& other) noexcept
    : context_(other.context_), reactor_(std::exchange(other.reactor_, nullptr)) {}

UnaryCall& UnaryCall::operator=(UnaryCall&& other) noexcept {
  if (this != &other) {
    UnaryCall old(std::move(*this));
    context_ = other.context_;
    reactor_ = std::exchange(other.reactor_, nullptr);
  }
  return *this;
}

UnaryCall::~UnaryCall() {
  if (reactor_ == nullptr) return;
  Finish(absl::InternalError("a handler dropped a call without an answer"), "");
}

void UnaryCall::Finish(const absl::Status& status, std::string_view domain) { Finish(ToGrpc(status, domain)); }

void UnaryCall::Finish(const Reject& reject, std::string_view domain) { Finish(ToGrpc(reject, domain)); }

void UnaryCall::Finish(const ::grpc::Status& status) {
  DAYBOOK_CHECK(reactor_ != nullptr, "a call is finished once");
  std::exchange(reactor_, nullptr)->Finish(status);
}

std::optional<std::string_view> UnaryCall::Metadata(std::string_view key) const {
  const auto& metadata = context_->client_metadata();
  const auto it = metadata.find(::grpc::string_ref(key.data(), key.size()));
  if (it == metadata.end()) return std::nullopt;
  return std::string_view(it->second.data(), it->second.size());
}

void UnaryCall::AddTrailing(std::string_view key, std::string_view value) {
  context_->AddTrailingMetadata(std::string(key), std::string(value));
}

absl::Time UnaryCall::deadline() const {
  const gpr_timespec raw = context_->raw_deadline();
  if (gpr_time_cmp(raw, gpr_inf_future(raw.clock_type)) == 0) return absl::InfiniteFuture();
  const gpr_timespec left = gpr_time_sub(raw, gpr_now(raw.clock_type));
  return ToAbslTime(Clock::System().Now()) + absl::Microseconds(gpr_timespec_to_micros(left));
}

bool UnaryCall::cancelled() const { return context_->IsCancelled(); }

std::string UnaryCall::peer() const { return context_->peer(); }

namespace internal {

void LogThrown(const char* what) { Log(LogLevel::kError, "a gRPC handler threw", {{"what", std::string(what)}}); }

}  // namespace internal

}  // namespace daybook::rpc
