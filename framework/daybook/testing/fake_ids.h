#ifndef DAYBOOK_TESTING_FAKE_IDS_H_
#define DAYBOOK_TESTING_FAKE_IDS_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "daybook/base/uuid_source.h"
#include "daybook/core/uuid.h"

namespace daybook::testing {

// Ids that count: version 7 with the given milliseconds and 1, 2, 3 … in the last six bytes.
//
//   FakeIds ids;
//   ids.New(Timestamp::FromMillis(0)).ToString();   // "00000000-0000-7000-8000-000000000001"
//
// Thread safety: every method from any thread.
// Invariant: two ids of one FakeIds never are equal (up to 2^48 of them).
class FakeIds final : public UuidSource {
 public:
  FakeIds() = default;

  // `first` is the number of the first id, so that two sources can be kept apart.
  explicit FakeIds(std::uint64_t first) : next_(first) {}

  Uuid New(Timestamp now) override { return Numbered(next_.fetch_add(1, std::memory_order_relaxed), now); }

  // The id with this number, for expectations.
  static Uuid Numbered(std::uint64_t number, Timestamp now = Timestamp()) {
    std::array<std::uint8_t, Uuid::kSize> bytes = {};
    const auto ms = static_cast<std::uint64_t>(now.millis());
    for (int i = 0; i < 6; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
    bytes[6] = 0x70;
    bytes[8] = 0x80;
    for (int i = 0; i < 6; ++i) {
      bytes[static_cast<std::size_t>(10 + i)] = static_cast<std::uint8_t>(number >> (40 - 8 * i));
    }
    return Uuid(bytes);
  }

 private:
  std::atomic<std::uint64_t> next_{1};
};

// The command id with this number.
inline CommandId NumberedCommandId(std::uint64_t number) { return CommandId(FakeIds::Numbered(number)); }

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_FAKE_IDS_H_
