#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace daybook {
namespace {

template <int kNumber>
int Called(int times) {
  return times + kNumber;
}

TEST(DelaysTest, FunctionsOfThisBuildWait) {
  const auto made = reinterpret_cast<std::uint64_t (*)()>(dlsym(RTLD_DEFAULT, "daybook_delays_made"));
  ASSERT_NE(made, nullptr) << "nothing was loaded: run it by ./dev test --delays";
  const std::uint64_t before = made();
  int sum = 0;
  for (int i = 0; i < 100; ++i) {
    [&]<int... kNumbers>(std::integer_sequence<int, kNumbers...>) { ((sum += Called<kNumbers>(i)), ...); }
    (std::make_integer_sequence<int, 50>());
  }
  EXPECT_GT(sum, 0);
  EXPECT_GT(made(), before);
}

}  // namespace
}  // namespace daybook
