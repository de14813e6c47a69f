#include "daybook/base/uuid_source.h"

#include <gtest/gtest.h>

namespace daybook {
namespace {

TEST(NameBasedUuidTest, EqualsThePublishedNamespaceOfTheProject) {
  EXPECT_EQ(NameBasedUuid(kUuidNamespaceDns, "beneficiary.daybook").ToString(), "157402e8-078d-5764-bea8-198235e56fd6");
}

TEST(SystemUuidSourceTest, IdsCarryTheirTimeAndDiffer) {
  const Timestamp now = Timestamp::FromMillis(1'700'000'000'123);
  const Uuid a = UuidSource::System().New(now);
  const Uuid b = UuidSource::System().New(now);
  EXPECT_NE(a, b);
  EXPECT_EQ(a.version(), 7);
  EXPECT_EQ(TimeOfUuid(a), now);
  EXPECT_EQ(TimeOfUuid(NameBasedUuid(kUuidNamespaceDns, "x")), std::nullopt);
}

}  // namespace
}  // namespace daybook
