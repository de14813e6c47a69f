#ifndef BENEFICIARY_API_INTERNAL_REST_WRITES_H_
#define BENEFICIARY_API_INTERNAL_REST_WRITES_H_

#include <vector>

#include "beneficiary/api/internal/rest_context.h"
#include "beneficiary/api/rest.h"

namespace beneficiary::api::internal {

// The POST, PATCH, PUT and DELETE routes below /v1.
void AddWrites(const SharedContext& context, std::vector<Route>& out);

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_REST_WRITES_H_
