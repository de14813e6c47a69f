#include "daybook/base/clock.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daybook/base/strings.h"

namespace daybook {
namespace {

class SystemClock final : public Clock {
 public:
  Timestamp Now() const override { return FromAbslTime(absl::Now()); }
  absl::Duration Monotonic() const override {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
};

}  // namespace

const Clock& Clock::System() {
  static const SystemClock* const clock = new SystemClock;
  return *clock;
}

std::string FormatTimestamp(Timestamp t) {
  return absl::FormatTime("%E4Y-%m-%d%ET%H:%M:%E6SZ", ToAbslTime(t), absl::UTCTimeZone());
}

absl::StatusOr<Timestamp> ParseTimestamp(std::string_view text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time, &error) || time == absl::InfiniteFuture() ||
      time == absl::InfinitePast()) {
    return absl::InvalidArgumentError(absl::StrCat("not an RFC 3339 time: \"", ToAbsl(text), "\""));
  }
  return FromAbslTime(time);
}

}  // namespace daybook
