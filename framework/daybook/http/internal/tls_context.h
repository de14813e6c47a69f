#ifndef DAYBOOK_HTTP_INTERNAL_TLS_CONTEXT_H_
#define DAYBOOK_HTTP_INTERNAL_TLS_CONTEXT_H_

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "absl/status/statusor.h"
#include "daybook/base/tls.h"

namespace daybook::http::internal {

// For a server: TLS 1.2 and later. kInvalidArgument as ReadTls, and for what the library does not take.
absl::StatusOr<std::unique_ptr<boost::asio::ssl::context>> MakeTlsContext(const TlsFiles& files);

}  // namespace daybook::http::internal

#endif  // DAYBOOK_HTTP_INTERNAL_TLS_CONTEXT_H_
