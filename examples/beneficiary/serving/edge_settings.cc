#include "beneficiary/serving/edge_settings.h"

#include "daybook/base/config.h"

DAYBOOK_FLAG(std::string, http_address, "Edges", "127.0.0.1:8080", "where the REST API listens");
DAYBOOK_FLAG(std::string, grpc_address, "Edges", "127.0.0.1:9090", "where the gRPC API listens; empty = nowhere");
DAYBOOK_FLAG(std::string, admin_address, "Edges", "127.0.0.1:9091",
             "where /livez, /readyz, /status, /metrics and /version are; empty = nowhere");
DAYBOOK_FLAG(int, http_threads, "Edges", 1, "I/O threads of the REST API");
DAYBOOK_FLAG(std::string, identity_header, "Edges", "X-Caller-Identity",
             "the header (and gRPC metadata) in which the proxy in front names the caller");
DAYBOOK_FLAG(std::string, tls_certificate_file, "Edges", "",
             "REST and gRPC through TLS: the server's certificate and those behind it (PEM); empty = in the clear");
DAYBOOK_FLAG(std::string, tls_key_file, "Edges", "", "the key of that certificate (PEM)");
DAYBOOK_FLAG(std::string, tls_client_ca_file, "Edges", "",
             "who vouches for clients (PEM), each of which then needs a certificate; empty = none does");
DAYBOOK_FLAG(absl::Duration, drain_timeout, "Edges", absl::Seconds(10),
             "how long requests in flight may take to finish after SIGTERM");

namespace beneficiary {

using daybook::FlagValue;

absl::StatusOr<EdgeSettings> ReadEdgeSettings() {
  EdgeSettings settings;
  settings.http_address = FlagValue(FLAGS_http_address);
  settings.grpc_address = FlagValue(FLAGS_grpc_address);
  settings.admin_address = FlagValue(FLAGS_admin_address);
  settings.http_threads = FlagValue(FLAGS_http_threads);
  settings.identity_header = FlagValue(FLAGS_identity_header);
  const daybook::TlsFiles tls = {FlagValue(FLAGS_tls_certificate_file), FlagValue(FLAGS_tls_key_file),
                                 FlagValue(FLAGS_tls_client_ca_file)};
  if (!tls.certificate_chain.empty() || !tls.private_key.empty() || !tls.client_authority.empty()) settings.tls = tls;
  if (settings.tls && (tls.certificate_chain.empty() || tls.private_key.empty())) {
    return absl::InvalidArgumentError("TLS needs both --tls_certificate_file and --tls_key_file");
  }
  settings.drain_timeout = FlagValue(FLAGS_drain_timeout);
  if (settings.http_threads < 1 || settings.http_threads > 64) {
    return absl::InvalidArgumentError("--http_threads must be 1 to 64");
  }
  return settings;
}

}  // namespace beneficiary
