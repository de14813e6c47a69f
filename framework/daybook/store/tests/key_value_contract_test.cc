#include "daybook/testing/key_value_contract.h"

#include <gtest/gtest.h>

#include "daybook/store/memory/memory_key_value.h"
#include "daybook/store/rocks/rocks_key_value.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::store {
namespace {

class MemoryKeyValueHarness : public testing::KeyValueHarness {
 public:
  absl::StatusOr<std::unique_ptr<KeyValue>> Open() override { return NewMemoryKeyValue(); }
  Kind kind() const override { return Kind::kVolatile; }
};

class RocksKeyValueHarness : public testing::KeyValueHarness {
 public:
  absl::StatusOr<std::unique_ptr<KeyValue>> Open() override {
    return OpenRocksKeyValue({.path = directory_.path() + "/key_value"});
  }
  Kind kind() const override { return Kind::kDurable; }

 private:
  const testing::TemporaryDirectory directory_;
};

[[maybe_unused]] const bool memory_key_value = testing::RegisterKeyValueContract(
    "MemoryKeyValueContract", [] { return std::make_unique<MemoryKeyValueHarness>(); });
[[maybe_unused]] const bool rocks_key_value =
    testing::RegisterKeyValueContract("RocksKeyValueContract", [] { return std::make_unique<RocksKeyValueHarness>(); });

TEST(PrefixEndTest, IsTheFirstKeyAfterAllThatBeginWithThePrefix) {
  EXPECT_EQ(PrefixEnd("a"), "b");
  EXPECT_EQ(PrefixEnd("a\xff"), "b");
  EXPECT_EQ(PrefixEnd(std::string("a\0", 2)), "a\x01");
  EXPECT_EQ(PrefixEnd("\xff\xff"), "");
  EXPECT_EQ(PrefixEnd(""), "");
}

}  // namespace
}  // namespace daybook::store
