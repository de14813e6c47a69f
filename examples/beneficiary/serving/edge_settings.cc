#include "beneficiary/serving/edge_settings.h"

#include "daybook/base/config.h"
#include "daybook/base/status.h"

DAYBOOK_FLAG(std::string, http_address, "Edges", "127.0.0.1:8080", "where the REST API listens");
DAYBOOK_FLAG(std::string, grpc_address, "Edges", "127.0.0.1:9090", "where the gRPC API listens; empty = nowhere");
DAYBOOK_FLAG(std::string, admin_address, "Edges", "127.0.0.1:9091",
             "where /livez, /readyz, /status, /metrics and /version are; empty = nowhere");
DAYBOOK_FLAG(int, http_threads, "Edges", 1, "I/O threads of the REST API");
DAYBOOK_FLAG(std::string, identity_header, "Edges", "X-Caller-Identity",
             "the header (and gRPC metadata) in which the proxy in front names the caller");
DAYBOOK_FLAG(std::string, read_clients_header, "Edges", "",
             "the header in which that proxy lists the clients that the caller may read: ids with commas, or *; "
             "empty = every caller may read and write every client");
DAYBOOK_FLAG(std::string, write_clients_header, "Edges", "",
             "the same for the clients that it may write; belongs to read_clients_header");
DAYBOOK_FLAG(double, caller_rate, "Edges", 0, "requests a second that one caller may send over time; 0 = no limit");
DAYBOOK_FLAG(double, caller_burst, "Edges", 100, "requests that one caller may send at once after a pause");
DAYBOOK_FLAG(int, callers_max, "Edges", 10'000, "callers that are counted apart; those beyond share one count");
DAYBOOK_FLAG(std::string, tls_certificate_file, "Edges", "",
             "REST and gRPC through TLS: the server's certificate and those behind it (PEM); empty = in the clear");
DAYBOOK_FLAG(std::string, tls_key_file, "Edges", "", "the key of that certificate (PEM)");
DAYBOOK_FLAG(std::string, tls_client_ca_file, "Edges", "",
             "who vouches for clients (PEM), each of which then needs a certificate; empty = none does");
DAYBOOK_FLAG(absl::Duration, drain_timeout, "Edges", absl::Seconds(10),
             "how long requests in flight may take to finish after SIGTERM");

namespace beneficiary {

using daybook::FlagValue;

namespace {

absl::StatusOr<api::AdmissionOptions> ReadAdmission() {
  api::AdmissionOptions admission;
  admission.identity_header = FlagValue(FLAGS_identity_header);
  admission.read_clients_header = FlagValue(FLAGS_read_clients_header);
  admission.write_clients_header = FlagValue(FLAGS_write_clients_header);
  admission.requests_per_second_max = FlagValue(FLAGS_caller_rate);
  admission.requests_burst = FlagValue(FLAGS_caller_burst);
  if (FlagValue(FLAGS_callers_max) < 1 || FlagValue(FLAGS_callers_max) > 10'000'000) {
    return absl::InvalidArgumentError("--callers_max must be 1 to 10000000");
  }
  admission.callers_max = static_cast<std::size_t>(FlagValue(FLAGS_callers_max));
  DAYBOOK_RETURN_IF_ERROR(api::Admission::Check(admission));
  return admission;
}

}  // namespace

absl::StatusOr<EdgeSettings> ReadEdgeSettings() {
  EdgeSettings settings;
  settings.http_address = FlagValue(FLAGS_http_address);
  settings.grpc_address = FlagValue(FLAGS_grpc_address);
  settings.admin_address = FlagValue(FLAGS_admin_address);
  settings.http_threads = FlagValue(FLAGS_http_threads);
  const daybook::TlsFiles tls = {FlagValue(FLAGS_tls_certificate_file), FlagValue(FLAGS_tls_key_file),
                                 FlagValue(FLAGS_tls_client_ca_file)};
  if (!tls.certificate_chain.empty() || !tls.private_key.empty() || !tls.client_authority.empty()) settings.tls = tls;
  if (settings.tls && (tls.certificate_chain.empty() || tls.private_key.empty())) {
    return absl::InvalidArgumentError("TLS needs both --tls_certificate_file and --tls_key_file");
  }
  settings.drain_timeout = FlagValue(FLAGS_drain_timeout);
  DAYBOOK_ASSIGN_OR_RETURN(settings.admission, ReadAdmission());
  if (settings.http_threads < 1 || settings.http_threads > 64) {
    return absl::InvalidArgumentError("--http_threads must be 1 to 64");
  }
  return settings;
}

}  // namespace beneficiary
