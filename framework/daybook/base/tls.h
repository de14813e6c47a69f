#ifndef DAYBOOK_BASE_TLS_H_
#define DAYBOOK_BASE_TLS_H_

#include <string>

#include "absl/status/statusor.h"

namespace daybook {

// Where a server's TLS identity lies: paths of PEM files.
struct TlsFiles {
  std::string certificate_chain;  // the server's certificate first, then those that lead to its authority
  std::string private_key;        // of the first certificate; not encrypted
  std::string client_authority;   // certificates of those who may vouch for clients; "" = clients need no certificate
};

// What the files held, in PEM.
struct TlsIdentity {
  std::string certificate_chain;
  std::string private_key;
  std::string client_authority;
};

// Reads the files and checks what a server would otherwise find out at its first handshake.
//
//   DAYBOOK_ASSIGN_OR_RETURN(const TlsIdentity identity, ReadTls({"server.pem", "server.key", ""}));
//
// Thread safety: a free function.
// kInvalidArgument, naming the file: it cannot be read, holds no certificate or key, or the key is not the
// certificate's.
absl::StatusOr<TlsIdentity> ReadTls(const TlsFiles& files);

}  // namespace daybook

#endif  // DAYBOOK_BASE_TLS_H_
