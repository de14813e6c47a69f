#include <gtest/gtest.h>

#include "daybook/bus/memory/memory_bus.h"
#include "daybook/testing/bus_contract.h"

namespace daybook::bus {
namespace {

class MemoryHarness : public testing::BusHarness {
 public:
  absl::StatusOr<std::unique_ptr<Bus>> Open() override { return NewMemoryBus(); }
};

[[maybe_unused]] const bool registered =
    testing::RegisterBusContract("MemoryBusContract", [] { return std::make_unique<MemoryHarness>(); });

TEST(PartitionOfTest, IsThatOfKafkasDefaultPartitioner) {
  // The hashes of Kafka's own test of its murmur2, as partitions of 1,000,003.
  const auto hash = [](std::int32_t signed_hash) { return BusPartition((signed_hash & 0x7fffffff) % 1'000'003); };
  EXPECT_EQ(PartitionOf("21", 1'000'003), hash(-973932308));
  EXPECT_EQ(PartitionOf("foobar", 1'000'003), hash(-790332482));
  EXPECT_EQ(PartitionOf("a-little-bit-long-string", 1'000'003), hash(-985981536));
  EXPECT_EQ(PartitionOf("a-little-bit-longer-string", 1'000'003), hash(-1486304829));
  EXPECT_EQ(PartitionOf("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 1'000'003), hash(-58897971));
  EXPECT_EQ(PartitionOf("abc", 1'000'003), hash(479470107));
}

}  // namespace
}  // namespace daybook::bus
