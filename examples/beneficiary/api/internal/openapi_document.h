#ifndef BENEFICIARY_API_INTERNAL_OPENAPI_DOCUMENT_H_
#define BENEFICIARY_API_INTERNAL_OPENAPI_DOCUMENT_H_

#include <string_view>

namespace beneficiary::api::internal {

// api/openapi.json as it was when the service was built.
std::string_view OpenApiDocument();

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_OPENAPI_DOCUMENT_H_
