#include "daybook/base/shape.h"

#include <gtest/gtest.h>

#include <string>

#include "daybook/base/strings.h"

namespace daybook {
namespace {

TEST(ShapeTest, AShapeTellsTheFormAndNotTheText) {
  EXPECT_EQ(ShapeOf("Acme-7 SL"), "Xxxx-9 XX");
  EXPECT_EQ(ShapeOf("José ñ"), "Xxx• •");
  EXPECT_EQ(ShapeOf("a\n\x1b[2J\x7f"), "x••[9X•");
  EXPECT_EQ(ShapeOf(""), "");
  EXPECT_EQ(ShapeOf(std::string(10'000, 'x')), std::string(40, 'x') + "…");
  EXPECT_TRUE(IsValidUtf8(ShapeOf("\xff\xc3\x28\x80 Ada")));
}

TEST(ShapeTest, OnlyWhatCanBeATypesNameIsNamed) {
  EXPECT_EQ(TypeNameOrShape("beneficiary.events.v1.AliasAdded"), "beneficiary.events.v1.AliasAdded");
  EXPECT_EQ(TypeNameOrShape("a_b.C9.d"), "a_b.C9.d");
  for (const char* text : {"", "Ada", "Ada.Lovelace", "Ada Lovelace", "ada@x.y.z", "a..b.c", ".a.b.c", "a.b.c.",
                           "a.9.b", "a.b.c\xc3\xa9"}) {
    EXPECT_EQ(TypeNameOrShape(text), ShapeOf(text)) << text;
  }
  EXPECT_EQ(TypeNameOrShape("a.b." + std::string(200, 'x')), ShapeOf("a.b." + std::string(200, 'x')));
}

}  // namespace
}  // namespace daybook
