#ifndef DAYBOOK_CORE_TIMESTAMP_H_
#define DAYBOOK_CORE_TIMESTAMP_H_

#include <compare>
#include <cstdint>

namespace daybook {

// A moment in UTC, counted in microseconds since 1970-01-01T00:00:00Z.
//
//   Timestamp t = Timestamp::FromMicros(1'700'000'000'000'000);
//
// Thread safety: a value type. Invariant: no leap seconds, as in POSIX time. base/time_text.h formats and parses it.
class Timestamp {
 public:
  constexpr Timestamp() = default;

  static constexpr Timestamp FromMicros(std::int64_t us) { return Timestamp(us); }
  static constexpr Timestamp FromMillis(std::int64_t ms) { return Timestamp(ms * 1000); }

  constexpr std::int64_t micros() const { return micros_; }
  constexpr std::int64_t millis() const { return micros_ / 1000; }

  friend constexpr auto operator<=>(Timestamp, Timestamp) = default;

 private:
  constexpr explicit Timestamp(std::int64_t us) : micros_(us) {}

  std::int64_t micros_ = 0;
};

}  // namespace daybook

#endif  // DAYBOOK_CORE_TIMESTAMP_H_
