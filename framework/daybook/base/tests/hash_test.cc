#include "daybook/base/hash.h"

#include <gtest/gtest.h>

namespace daybook {
namespace {

TEST(HashTest, Sha256IsThePublishedDigest) {
  EXPECT_EQ(ToHex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(HashTest, Hash64IsStableOnDisk) { EXPECT_EQ(Hash64(""), 0x2d06800538d394c2ull); }

}  // namespace
}  // namespace daybook
