#include "daybook/http/internal/tls_context.h"

#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"

namespace daybook::http::internal {

namespace asio = boost::asio;

absl::StatusOr<std::unique_ptr<asio::ssl::context>> MakeTlsContext(const TlsFiles& files) {
  DAYBOOK_ASSIGN_OR_RETURN(const TlsIdentity identity, ReadTls(files));
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  boost::system::error_code error;
  const auto failed = [&](const std::string& path) {
    return absl::InvalidArgumentError(absl::StrCat("TLS: ", path, ": ", error.message()));
  };
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                           asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression,
                       error);
  // Thousands of connections are idle most of the time: their buffers go.
  SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  if (context->use_certificate_chain(asio::buffer(identity.certificate_chain), error)) {
    return failed(files.certificate_chain);
  }
  if (context->use_private_key(asio::buffer(identity.private_key), asio::ssl::context::pem, error)) {
    return failed(files.private_key);
  }
  if (identity.client_authority.empty()) return context;
  if (context->add_certificate_authority(asio::buffer(identity.client_authority), error)) {
    return failed(files.client_authority);
  }
  context->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, error);
  // A session that is resumed carries no certificate to verify: without an id of its own context none is.
  constexpr unsigned char kSessions[] = "daybook";
  SSL_CTX_set_session_id_context(context->native_handle(), kSessions, sizeof kSessions - 1);
  return context;
}

}  // namespace daybook::http::internal
