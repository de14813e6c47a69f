#ifndef BENEFICIARY_API_INTERNAL_GRPC_SERVICES_H_
#define BENEFICIARY_API_INTERNAL_GRPC_SERVICES_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string_view>
#include <utility>

#include "beneficiary/api/grpc_api.h"
#include "beneficiary/app/service.h"
#include "daybook/grpc/unary_call.h"

namespace beneficiary::api::internal {

inline constexpr char kErrorDomain[] = "beneficiary.daybook";

// What every method begins with, in the place of rpc::Unary: runs `body(UnaryCall, const Caller&)` for whom the
// admission lets in, and ends the call for others.
template <class F>
::grpc::ServerUnaryReactor* Admitted(const GrpcOptions& options, ::grpc::CallbackServerContext* context, F&& body) {
  return daybook::rpc::Unary(context, [&](daybook::rpc::UnaryCall call) {
    const absl::StatusOr<Caller> caller = options.admission->Admit(
        "grpc", [&](std::string_view header) { return call.MetadataAll(header); }, call.peer());
    if (!caller.ok()) return call.Finish(caller.status(), kErrorDomain);
    body(std::move(call), *caller);
  });
}

// The generated services, implemented over the application layer. options.admission is set.
std::unique_ptr<::grpc::Service> MakeCommandService(Service& service, const GrpcOptions& options);
std::unique_ptr<::grpc::Service> MakeQueryService(Service& service, const GrpcOptions& options);

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_GRPC_SERVICES_H_
