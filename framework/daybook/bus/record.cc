#include "daybook/bus/record.h"

#include "absl/strings/str_cat.h"

namespace daybook::bus {
namespace {

// The variant in Kafka's clients: seed 0x9747b28c, little-endian words.
std::uint32_t Murmur2(std::string_view bytes) {
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  std::uint32_t hash = 0x9747b28cU ^ static_cast<std::uint32_t>(bytes.size());
  std::size_t left = bytes.size();
  for (; left >= 4; left -= 4, at += 4) {
    std::uint32_t word =
        std::uint32_t{at[0]} | std::uint32_t{at[1]} << 8 | std::uint32_t{at[2]} << 16 | std::uint32_t{at[3]} << 24;
    word *= kMultiplier;
    word ^= word >> 24;
    word *= kMultiplier;
    hash = hash * kMultiplier ^ word;
  }
  if (left > 0) {
    for (std::size_t i = 0; i < left; ++i) hash ^= std::uint32_t{at[i]} << (8 * i);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  return hash ^ hash >> 15;
}

}  // namespace

std::string TopicPartition::ToString() const { return absl::StrCat(topic, "/", partition.value()); }

BusPartition PartitionOf(std::string_view key, std::int32_t partitions) {
  return BusPartition(static_cast<std::int32_t>(Murmur2(key) & 0x7fffffffU) % partitions);
}

}  // namespace daybook::bus
