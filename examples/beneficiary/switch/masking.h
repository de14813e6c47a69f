#ifndef BENEFICIARY_SWITCH_MASKING_H_
#define BENEFICIARY_SWITCH_MASKING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "beneficiary/switch/comparison.h"

namespace beneficiary::switching {

struct MaskingRules {
  // Members whose values are shown as they are; every other text or number is masked.
  std::vector<std::string> plain_members = {"beneficiary_id",
                                            "account_id",
                                            "client_id",
                                            "country_code",
                                            "bank_country_code",
                                            "bank_currency_code",
                                            "swift_code",
                                            "bank_name",
                                            "page",
                                            "page_size",
                                            "detail"};
  std::vector<std::string> plain_headers = {"Content-Type", "X-Total-Count", "X-Page", "X-Page-Size"};
  std::uint64_t key = 0;  // of the fingerprints; another one for each process
  std::size_t text_bytes_max = 2000;
};

// A difference that may be shown and kept: no value of a person's in it.
struct MaskedDifference {
  Difference::Kind kind;
  std::string place;
  std::string pattern;
  std::string pointer;
  std::string bos;
  std::string daybook;
  std::string hint;  // how they differ: "only upper and lower case", "from character 3 on"; may be empty
};

// A text's shape (daybook::ShapeOf), and a fingerprint that tells equal from unequal ones: "Acme-7" is "Xxxx-9 #1f3a".
std::string MaskText(std::string_view text, std::uint64_t key);

// Masks by the members' names, at any depth. true, false and null stay.
//
//   MaskedDifference shown = Mask(difference, {.key = key});
//
// A pure function; from any thread.
MaskedDifference Mask(const Difference& difference, const MaskingRules& rules);

// A request's target with the values of all parameters masked but client_id, page and page_size.
std::string MaskTarget(std::string_view target, std::uint64_t key);

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_MASKING_H_
