#ifndef BENEFICIARY_API_GRPC_API_H_
#define BENEFICIARY_API_GRPC_API_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "beneficiary/api/admission.h"
#include "beneficiary/app/service.h"
#include "daybook/base/clock.h"
#include "daybook/grpc/server.h"

namespace beneficiary::api {

struct GrpcOptions {
  // As RestOptions::admission; the metadata have the headers' names in lower case.
  std::shared_ptr<Admission> admission;
  absl::Duration freshness_wait = absl::Seconds(2);  // for a consistency_token, before UNAVAILABLE
  absl::Duration command_wait = absl::Seconds(30);   // to be decided; a call's own deadline counts too
  const daybook::Clock* clock = &daybook::Clock::System();
};

// The gRPC services beneficiary.api.v1.BeneficiaryCommands and BeneficiaryQueries (proto/beneficiary/api/v1).
//
//   GrpcApi grpc_api(service, {});
//   DAYBOOK_ASSIGN_OR_RETURN(auto server, rpc::Server::Start({.address = "127.0.0.1:9090"}, grpc_api.services()));
//
// Thread safety: services from any thread. `service` outlives it, and it outlives the server.
// Invariants: the same rules as REST, by the same application layer; no method blocks; none is served to whom the
// admission refuses. Health and reflection, which are the server's, know no callers.
class GrpcApi {
 public:
  GrpcApi(Service& service, GrpcOptions options);
  ~GrpcApi();

  std::vector<daybook::rpc::ServiceEntry> services();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary::api

#endif  // BENEFICIARY_API_GRPC_API_H_
