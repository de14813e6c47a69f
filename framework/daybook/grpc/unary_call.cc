#include "daybook/grpc/unary_call.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include "absl/strings/ascii.h"
#include "daybook/base/check.h"
#include "daybook/base/clock.h"
#include "daybook/base/log.h"
#include "daybook/base/strings.h"
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
  const std::vector<std::string_view> values = MetadataAll(key);
  if (values.empty()) return std::nullopt;
  return values.front();
}

std::vector<std::string_view> UnaryCall::MetadataAll(std::string_view key) const {
  const std::string lower = absl::AsciiStrToLower(ToAbsl(key));
  const auto [begin, end] = context_->client_metadata().equal_range(::grpc::string_ref(lower.data(), lower.size()));
  std::vector<std::string_view> values;
  for (auto it = begin; it != end; ++it) values.emplace_back(it->second.data(), it->second.size());
  return values;
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
