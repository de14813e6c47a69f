#include "daybook/base/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"

namespace daybook {
namespace {

template <class T, void (*Free)(T*)>
struct Freer {
  void operator()(T* owned) const { Free(owned); }
};
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;

struct BioFreer {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioFreer>;

absl::Status Bad(const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("TLS: ", path, ": ", what));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (path.empty() || !file) return Bad(path.empty() ? "(no path)" : path, "cannot be read");
  return text;
}

Bio Open(const std::string& pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

// An encrypted key must not make the process ask for its password at a terminal.
int NoPassword(char*, int, int, void*) noexcept { return -1; }

absl::StatusOr<Certificate> FirstCertificate(const std::string& path, const std::string& pem) {
  Certificate certificate(PEM_read_bio_X509(Open(pem).get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) return Bad(path, "holds no certificate in PEM form");
  return certificate;
}

}  // namespace

absl::StatusOr<TlsIdentity> ReadTls(const TlsFiles& files) {
  TlsIdentity identity;
  DAYBOOK_ASSIGN_OR_RETURN(identity.certificate_chain, ReadFile(files.certificate_chain));
  DAYBOOK_ASSIGN_OR_RETURN(identity.private_key, ReadFile(files.private_key));
  DAYBOOK_ASSIGN_OR_RETURN(const Certificate certificate,
                           FirstCertificate(files.certificate_chain, identity.certificate_chain));
  const Key key(PEM_read_bio_PrivateKey(Open(identity.private_key).get(), nullptr, NoPassword, nullptr));
  ERR_clear_error();
  if (key == nullptr) return Bad(files.private_key, "holds no private key in PEM form, or an encrypted one");
  const bool belong_together = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!belong_together) {
    return Bad(files.private_key, absl::StrCat("is not the key of the first certificate in ", files.certificate_chain));
  }
  if (files.client_authority.empty()) return identity;
  DAYBOOK_ASSIGN_OR_RETURN(identity.client_authority, ReadFile(files.client_authority));
  DAYBOOK_RETURN_IF_ERROR(FirstCertificate(files.client_authority, identity.client_authority).status());
  return identity;
}

}  // namespace daybook
