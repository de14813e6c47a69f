#ifndef DAYBOOK_GRPC_UNARY_CALL_H_
#define DAYBOOK_GRPC_UNARY_CALL_H_

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "daybook/core/decision.h"

namespace grpc {
class CallbackServerContext;
class ServerUnaryReactor;
class Status;
}  // namespace grpc

namespace daybook::rpc {

// The right and the duty to end one unary call of a generated callback service, once, from any thread.
//
//   grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const GetRequest* request,
//                                 Beneficiary* response) override {
//     return rpc::Unary(context, [&](rpc::UnaryCall call) {
//       executor_.Execute(ToCommand(*request), [call = std::move(call), response](auto outcome) mutable {
//         *response = Render(outcome);
//         call.Finish(absl::OkStatus(), kDomain);
//       });
//     });
//   }
//
// Thread safety: movable between threads, used by one at a time.
// Invariants:
//  1. Exactly one Finish; a second one is a broken program (checked). Destroyed without one, the call ends kInternal,
//  logged.
//  2. Request and response messages live until Finish: fill in the response before it, touch neither after it.
class UnaryCall {
 public:
  explicit UnaryCall(::grpc::CallbackServerContext* context);
  UnaryCall(UnaryCall&& other) noexcept;
  UnaryCall& operator=(UnaryCall&& other) noexcept;
  ~UnaryCall();

  // Ends the call: the response goes out if OK, otherwise ToGrpc (status.h) of the error.
  void Finish(const absl::Status& status, std::string_view domain);
  void Finish(const Reject& reject, std::string_view domain);
  void Finish(const ::grpc::Status& status);

  // The client's metadata: the first value of a key (in any case); nullopt if absent. Lives until Finish.
  std::optional<std::string_view> Metadata(std::string_view key) const;
  // Every value of a key, in order.
  std::vector<std::string_view> MetadataAll(std::string_view key) const;
  // Sends metadata with the answer, before Finish: keys in lower case.
  void AddTrailing(std::string_view key, std::string_view value);

  // When the client stops waiting; InfiniteFuture without a deadline.
  absl::Time deadline() const;
  // The client has gone: the answer will not be read.
  bool cancelled() const;
  // The other end, "ipv4:127.0.0.1:53412".
  std::string peer() const;

  // What the generated method returns.
  ::grpc::ServerUnaryReactor* reactor() const { return reactor_; }

 private:
  ::grpc::CallbackServerContext* context_;
  ::grpc::ServerUnaryReactor* reactor_;  // null: finished or moved away
};

namespace internal {
void LogThrown(const char* what);
}  // namespace internal

// Runs `body(UnaryCall)` and returns what the generated method has to return. The one guard around user code: what it
// throws ends the call as kInternal, logged. `body` must not block for long: it runs on gRPC's threads.
template <class F>
::grpc::ServerUnaryReactor* Unary(::grpc::CallbackServerContext* context, F&& body) {
  UnaryCall call(context);
  ::grpc::ServerUnaryReactor* reactor = call.reactor();
  try {
    std::forward<F>(body)(std::move(call));
  } catch (const std::exception& thrown) {
    internal::LogThrown(thrown.what());
  } catch (...) {
    internal::LogThrown("an object that is no std::exception");
  }
  return reactor;
}

}  // namespace daybook::rpc

#endif  // DAYBOOK_GRPC_UNARY_CALL_H_
