#ifndef BENEFICIARY_SERVING_EDGE_SETTINGS_H_
#define BENEFICIARY_SERVING_EDGE_SETTINGS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/api/admission.h"
#include "daybook/base/tls.h"

namespace beneficiary {

// Where and how a process of the service listens: the settings http_address, grpc_address … of the command line, the
// environment and --config, the same in each. A program that calls ReadEdgeSettings has them.
//
//   DAYBOOK_ASSIGN_OR_RETURN(EdgeSettings edges, ReadEdgeSettings());
//
// Thread safety: a value type.
struct EdgeSettings {
  std::string http_address;
  std::string grpc_address;   // "" = no gRPC
  std::string admin_address;  // "" = no admin pages
  int http_threads = 1;
  api::AdmissionOptions admission;       // without on_refused
  std::optional<daybook::TlsFiles> tls;  // of REST and gRPC; nullopt = in the clear
  absl::Duration drain_timeout;
};

// kInvalidArgument: a setting that makes no sense; the message names it.
absl::StatusOr<EdgeSettings> ReadEdgeSettings();

}  // namespace beneficiary

#endif  // BENEFICIARY_SERVING_EDGE_SETTINGS_H_
