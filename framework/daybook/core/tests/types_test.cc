#include <gtest/gtest.h>

#include "daybook/core/stream_id.h"
#include "daybook/core/strong.h"
#include "daybook/core/timestamp.h"
#include "daybook/core/uuid.h"

namespace daybook {
namespace {

TEST(StrongNumberTest, NextIsTheFollowingNumber) { EXPECT_EQ(Revision(7).Next(), Revision(8)); }

TEST(StrongNumberTest, DefaultIsZeroAndLessThanTheFirst) { EXPECT_LT(Position(), Position(1)); }

TEST(UuidTest, TextRoundTripsAndIsLowerCase) {
  const auto id = Uuid::Parse("157402E8-078D-5764-BEA8-198235E56FD6");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->ToString(), "157402e8-078d-5764-bea8-198235e56fd6");
  EXPECT_EQ(id->version(), 5);
  EXPECT_EQ(Uuid::FromBytes(id->raw()), id);
}

TEST(UuidTest, AnythingButTheCanonicalFormIsRefused) {
  for (const char* text : {"", "157402e8078d5764bea8198235e56fd6", "157402e8-078d-5764-bea8-198235e56fd",
                           "157402e8-078d-5764-bea8-198235e56fdg", "157402e8-078d-5764-bea8_198235e56fd6"}) {
    EXPECT_FALSE(Uuid::Parse(text).has_value()) << text;
  }
}

TEST(StreamIdTest, SplitsAtTheFirstSlash) {
  const auto id = StreamId::Parse("client/uk/42");
  ASSERT_TRUE(id.has_value());
  EXPECT_EQ(id->category(), "client");
  EXPECT_EQ(id->key(), "uk/42");
  EXPECT_EQ(*id, StreamId("client", "uk/42"));
}

TEST(StreamIdTest, BadCategoriesAndKeysAreRefused) {
  for (const std::string& text : {std::string("nokey"), std::string("/k"), std::string("c/"), std::string("Caps/k"),
                                  std::string("c/a\0b", 5), std::string("1c/k"), "c/" + std::string(256, 'k')}) {
    EXPECT_FALSE(StreamId::Parse(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace daybook
