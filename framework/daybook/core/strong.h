#ifndef DAYBOOK_CORE_STRONG_H_
#define DAYBOOK_CORE_STRONG_H_

#include <compare>
#include <cstdint>
#include <functional>

namespace daybook {

// A number with a meaning: two of different Tag do not compare, add or convert.
//
//   using Revision = StrongNumber<struct RevisionTag>;
//   Revision r(7);
//   r.Next().value();   // 8
//
// Thread safety: a value type. Invariant: none; 0 is the default and usually means "none yet".
template <class Tag, class Rep = std::uint64_t>
class StrongNumber {
 public:
  constexpr StrongNumber() = default;
  constexpr explicit StrongNumber(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }

  // The number after this one. Overflow is not checked: 2^64 events do not occur.
  constexpr StrongNumber Next() const { return StrongNumber(value_ + 1); }

  // This number advanced by `count`.
  constexpr StrongNumber Plus(Rep count) const { return StrongNumber(value_ + count); }

  friend constexpr auto operator<=>(StrongNumber, StrongNumber) = default;

  template <class H>
  friend H AbslHashValue(H h, StrongNumber n) {
    return H::combine(std::move(h), n.value_);
  }

 private:
  Rep value_ = 0;
};

// An event's place in its stream: from 1, dense. 0 = the stream has no events.
using Revision = StrongNumber<struct RevisionTag>;

// An event's place in its partition's log: from 1, dense. 0 = before the first event.
using Position = StrongNumber<struct PositionTag>;

// Which partition of a category; the embedded default has only partition 0.
using PartitionId = StrongNumber<struct PartitionTag, std::uint32_t>;

// Counts the owners a partition has had; a write with an older epoch is refused.
using WriterEpoch = StrongNumber<struct WriterEpochTag>;

}  // namespace daybook

template <class Tag, class Rep>
struct std::hash<daybook::StrongNumber<Tag, Rep>> {
  std::size_t operator()(daybook::StrongNumber<Tag, Rep> n) const noexcept { return std::hash<Rep>()(n.value()); }
};

#endif  // DAYBOOK_CORE_STRONG_H_
