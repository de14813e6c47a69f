#ifndef BENEFICIARY_SWITCH_INTERNAL_MODES_JSON_H_
#define BENEFICIARY_SWITCH_INTERNAL_MODES_JSON_H_

#include <boost/json/value.hpp>
#include <string_view>

#include "absl/status/statusor.h"
#include "beneficiary/switch/mode_table.h"

namespace beneficiary::switching::internal {

// The file's contents and the admin API's answer:
// {"format":1,"change_count":…,"for_all":…,"clients":{…},"changes":[…]}.
boost::json::object ModesToJson(const Modes& modes);

// kDataLoss: damaged; kFailedPrecondition: of an unknown format.
absl::StatusOr<Modes> ModesFromJson(std::string_view text);

}  // namespace beneficiary::switching::internal

#endif  // BENEFICIARY_SWITCH_INTERNAL_MODES_JSON_H_
