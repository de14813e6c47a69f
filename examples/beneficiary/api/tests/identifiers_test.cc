#include "beneficiary/api/identifiers.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace beneficiary::api {
namespace {

using daybook::PartitionId;
using daybook::Position;

TEST(IdentifiersTest, AKeyNamesOneCommandWithinCallerAndResource) {
  const auto id = CommandIdOfKey("anonymous", "/v1/beneficiaries/1", "k");
  EXPECT_EQ(id, CommandIdOfKey("anonymous", "/v1/beneficiaries/1", "k"));
  EXPECT_EQ(id.uuid().version(), 5);
  EXPECT_NE(id, CommandIdOfKey("another", "/v1/beneficiaries/1", "k"));
  EXPECT_NE(id, CommandIdOfKey("anonymous", "/v1/beneficiaries/2", "k"));
  EXPECT_NE(id, CommandIdOfKey("anonymous", "/v1/beneficiaries/1", "K"));
  // The parts cannot run into each other.
  EXPECT_NE(CommandIdOfKey("ab", "c", "d"), CommandIdOfKey("a", "bc", "d"));
}

TEST(IdentifiersTest, TheFingerprintCoversEveryPart) {
  const std::string print = RequestFingerprint("POST", "/a", "", "{}");
  EXPECT_EQ(print.size(), 32u);
  EXPECT_EQ(print, RequestFingerprint("POST", "/a", "", "{}"));
  EXPECT_NE(print, RequestFingerprint("PUT", "/a", "", "{}"));
  EXPECT_NE(print, RequestFingerprint("POST", "/b", "", "{}"));
  EXPECT_NE(print, RequestFingerprint("POST", "/a", "\"1\"", "{}"));
  EXPECT_NE(print, RequestFingerprint("POST", "/a", "", ""));
}

TEST(IdentifiersTest, ATokenReadsBackAndNothingElseIsOne) {
  const ConsistencyToken token{"beneficiary", PartitionId(0), Position(184)};
  EXPECT_EQ(ConsistencyToken::Parse(token.Encode()), token);
  EXPECT_EQ(token.Encode(), "MTpiZW5lZmljaWFyeTowOjE4NA");
  for (const std::string text : {"", "x", "!!!!", "MTpiZW5lZmljaWFyeTowOjE4NA==", "MTpiZW5lZmljaWFyeTowOg"}) {
    EXPECT_FALSE(ConsistencyToken::Parse(text)) << text;
  }
  for (const std::string plain : {"1:beneficiary:0:-1", "1:beneficiary:0:01", "1:beneficiary:0:1 ", "2:beneficiary:0:1",
                                  "1::0:1", "1:beneficiary:4294967296:1", "1:beneficiary:0:18446744073709551616"}) {
    EXPECT_FALSE(ConsistencyToken::Parse(absl::WebSafeBase64Escape(plain))) << plain;
  }
}

TEST(IdentifiersTest, AnOperationIdIsPartitionAndCommand) {
  const auto command = CommandIdOfKey("a", "b", "c");
  const OperationId id{PartitionId(3), command};
  const auto back = OperationId::Parse(id.Encode());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->partition, PartitionId(3));
  EXPECT_EQ(back->command_id, command);
  for (const std::string text : {"", "3", "3-", "-3-x", "3-zz", "x-157402e8-078d-5764-bea8-198235e56fd6",
                                 "157402e8-078d-5764-bea8-198235e56fd6"}) {
    EXPECT_FALSE(OperationId::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace beneficiary::api
