#ifndef BENEFICIARY_API_INTERNAL_CANONICAL_JSON_H_
#define BENEFICIARY_API_INTERNAL_CANONICAL_JSON_H_

#include <boost/json/value.hpp>
#include <string>

namespace beneficiary::api::internal {

// One spelling for each JSON value, after RFC 8785: no blanks, members sorted by their UTF-16 code units, the shortest
// escapes. Integers keep all their digits (the RFC would round them to a double); other numbers are the shortest
// decimal that reads back the same.
std::string CanonicalJson(const boost::json::value& value);

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_CANONICAL_JSON_H_
