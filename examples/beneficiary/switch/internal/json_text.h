#ifndef BENEFICIARY_SWITCH_INTERNAL_JSON_TEXT_H_
#define BENEFICIARY_SWITCH_INTERNAL_JSON_TEXT_H_

#include <boost/json/string_view.hpp>
#include <string_view>

namespace beneficiary::switching::internal {

// Between the standard's views of text and those that Boost.JSON takes and gives.
inline boost::json::string_view JsonText(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view ToView(boost::json::string_view text) { return {text.data(), text.size()}; }

}  // namespace beneficiary::switching::internal

#endif  // BENEFICIARY_SWITCH_INTERNAL_JSON_TEXT_H_
