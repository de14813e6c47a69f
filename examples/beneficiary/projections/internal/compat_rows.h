#ifndef BENEFICIARY_PROJECTIONS_INTERNAL_COMPAT_ROWS_H_
#define BENEFICIARY_PROJECTIONS_INTERNAL_COMPAT_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daybook/core/strong.h"

// The rows of compat.v1, described in docs/reference/formats/read-models.md.
namespace beneficiary::internal {

// What is known of one client of one instance; of what was created here, instance is "".
struct CompatClient {
  daybook::Position changed;   // the last position that changed any of its rows
  std::uint64_t visible = 0;   // its rows: beneficiaries that are not removed
  std::uint64_t listings = 0;  // clients of the instance with this reference: 0 or, but for a moment, 1

  bool IsEmpty() const { return visible == 0 && listings == 0; }
};

std::string CompatClientKey(std::string_view instance, std::string_view client_id);
std::string EncodeCompatClient(const CompatClient& client);
// nullopt: damaged.
std::optional<CompatClient> DecodeCompatClient(std::string_view row);

// + order: the rendered element. The order bytes sort as BOS does: legacy keys as numbers, then what was created here.
std::string CompatRowPrefix(std::string_view instance, std::string_view client_id);
// + order: nothing; for each IBAN of an active account of a visible beneficiary.
std::string CompatIbanPrefix(std::string_view instance, std::string_view client_id, std::string_view iban);
// How many clients an instance has: 8 bytes, big-endian.
std::string CompatInstanceKey(std::string_view instance);
inline constexpr std::string_view kCompatInstancePrefix = "n";

}  // namespace beneficiary::internal

#endif  // BENEFICIARY_PROJECTIONS_INTERNAL_COMPAT_ROWS_H_
