#ifndef DAYBOOK_BASE_CLOCK_H_
#define DAYBOOK_BASE_CLOCK_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/core/timestamp.h"

namespace daybook {

// The only way to the time of day. Tests give a fake one (testing/fake_clock.h).
//
//   Timestamp now = Clock::System().Now();
//
// Thread safety: every method from any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall-clock time, UTC. It can go backwards; measure durations with Monotonic().
  virtual Timestamp Now() const = 0;

  // Time since an unspecified start, never going backwards.
  virtual absl::Duration Monotonic() const = 0;

  // The machine's clock; lives for ever.
  static const Clock& System();
};

// The machine's Monotonic(), for deadlines on what is outside the process, where a fake clock has no say.
inline absl::Duration MonotonicNow() { return Clock::System().Monotonic(); }

// Between the two representations of a moment; both are UTC, and Timestamp's resolution is one microsecond.
inline absl::Time ToAbslTime(Timestamp t) { return absl::FromUnixMicros(t.micros()); }
inline Timestamp FromAbslTime(absl::Time t) { return Timestamp::FromMicros(absl::ToUnixMicros(t)); }

// RFC 3339 with exactly six digits and Z: "2026-01-02T03:04:05.123456Z".
std::string FormatTimestamp(Timestamp t);

// Reads RFC 3339 with any offset and up to nine digits of fraction (cut to microseconds).
// kInvalidArgument with the text otherwise.
absl::StatusOr<Timestamp> ParseTimestamp(std::string_view text);

}  // namespace daybook

#endif  // DAYBOOK_BASE_CLOCK_H_
