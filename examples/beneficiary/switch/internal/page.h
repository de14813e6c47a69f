#ifndef BENEFICIARY_SWITCH_INTERNAL_PAGE_H_
#define BENEFICIARY_SWITCH_INTERNAL_PAGE_H_

#include <string_view>

namespace beneficiary::switching::internal {

// The files of page/ as they were when the switch was built.
std::string_view PageHtml();
std::string_view PageCss();
std::string_view PageJs();

}  // namespace beneficiary::switching::internal

#endif  // BENEFICIARY_SWITCH_INTERNAL_PAGE_H_
