#ifndef BENEFICIARY_API_INTERNAL_REST_COMPAT_H_
#define BENEFICIARY_API_INTERNAL_REST_COMPAT_H_

#include <vector>

#include "beneficiary/api/internal/rest_context.h"
#include "beneficiary/api/rest.h"

namespace beneficiary::api::internal {

// GET /client/beneficiaries, which answers byte for byte as BOS does, its errors too.
void AddCompat(const SharedContext& context, std::vector<Route>& out);

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_REST_COMPAT_H_
