#include "beneficiary/api/grpc_api.h"

#include <utility>

#include "beneficiary/api/internal/grpc_services.h"
#include "beneficiary/api/v1/commands.grpc.pb.h"
#include "beneficiary/api/v1/queries.grpc.pb.h"

namespace beneficiary::api {

struct GrpcApi::Impl {
  std::unique_ptr<::grpc::Service> commands;
  std::unique_ptr<::grpc::Service> queries;
};

GrpcApi::GrpcApi(Service& service, GrpcOptions options) {
  if (options.admission == nullptr) options.admission = std::make_shared<Admission>(AdmissionOptions());
  impl_ = std::make_unique<Impl>(
      Impl{internal::MakeCommandService(service, options), internal::MakeQueryService(service, options)});
}

GrpcApi::~GrpcApi() = default;

std::vector<daybook::rpc::ServiceEntry> GrpcApi::services() {
  return {{v1::BeneficiaryCommands::service_full_name(), impl_->commands.get()},
          {v1::BeneficiaryQueries::service_full_name(), impl_->queries.get()}};
}

}  // namespace beneficiary::api
