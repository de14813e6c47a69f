#ifndef BENEFICIARY_API_INTERNAL_GRPC_SERVICES_H_
#define BENEFICIARY_API_INTERNAL_GRPC_SERVICES_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "beneficiary/api/grpc_api.h"
#include "beneficiary/app/service.h"

namespace beneficiary::api::internal {

inline constexpr char kErrorDomain[] = "beneficiary.daybook";

// The generated services, implemented over the application layer.
std::unique_ptr<::grpc::Service> MakeCommandService(Service& service, const GrpcOptions& options);
std::unique_ptr<::grpc::Service> MakeQueryService(Service& service, const GrpcOptions& options);

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_GRPC_SERVICES_H_
