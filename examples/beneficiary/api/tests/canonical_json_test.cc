#include "beneficiary/api/internal/canonical_json.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string_view>

namespace beneficiary::api::internal {
namespace {

std::string Canonical(std::string_view text) { return CanonicalJson(boost::json::parse(text)); }

TEST(CanonicalJsonTest, MembersAreSortedByTheirUtf16CodeUnits) {
  // The example of RFC 8785 section 3.2.3: the emoji (a surrogate pair) comes before U+FB33.
  EXPECT_EQ(Canonical(R"({"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7})"),
            "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,\"\xf0\x9f\x98\x80\":5,"
            "\"\xef\xac\xb3\":3}");
}

TEST(CanonicalJsonTest, TextsHaveTheShortestEscapes) {
  EXPECT_EQ(Canonical(R"("\u0008\u0009\u000a\u000c\u000d\u001f\u0022\u005c\u002f\u007f")"),
            "\"\\b\\t\\n\\f\\r\\u001f\\\"\\\\/\x7f\"");
}

TEST(CanonicalJsonTest, BlanksGoAndKindsStay) {
  EXPECT_EQ(Canonical(" { \"b\" : [ 1 , -2, true , null ] , \"a\" : { } } "), R"({"a":{},"b":[1,-2,true,null]})");
  EXPECT_EQ(Canonical("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(Canonical("0.5"), "0.5");
}

}  // namespace
}  // namespace beneficiary::api::internal
