#include "daybook/base/rate_limiter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "daybook/base/check.h"

namespace daybook {

namespace {

// A sweep looks at every bucket, so a flood of new keys must not cause one each.
constexpr absl::Duration kSweepPause = absl::Milliseconds(100);

}  // namespace

RateLimiter::RateLimiter(RateLimiterOptions options)
    : options_(std::move(options)), shared_{options_.burst, options_.clock->Monotonic()} {
  DAYBOOK_CHECK(options_.tokens_per_second > 0 && std::isfinite(options_.tokens_per_second), "a rate above 0");
  DAYBOOK_CHECK(options_.burst >= 1 && std::isfinite(options_.burst), "a burst of at least 1");
  DAYBOOK_CHECK(options_.keys_max >= 1, "room for a key");
}

absl::Duration RateLimiter::Take(std::string_view key) {
  const absl::Duration now = options_.clock->Monotonic();
  absl::MutexLock lock(&mu_);
  return TakeFrom(BucketOf(key, now), now);
}

std::size_t RateLimiter::keys() const {
  absl::MutexLock lock(&mu_);
  return buckets_.size();
}

double RateLimiter::TokensAt(const Bucket& bucket, absl::Duration now) const {
  const double passed = std::max(0.0, absl::ToDoubleSeconds(now - bucket.as_of));
  return std::min(options_.burst, bucket.tokens + passed * options_.tokens_per_second);
}

absl::Duration RateLimiter::TakeFrom(Bucket& bucket, absl::Duration now) const {
  bucket.tokens = TokensAt(bucket, now);
  bucket.as_of = std::max(bucket.as_of, now);
  // Sums of many small parts: a token that lacks a billionth is there.
  constexpr double kWhole = 1 - 1e-9;
  if (bucket.tokens >= kWhole) {
    bucket.tokens = std::max(0.0, bucket.tokens - 1);
    return absl::ZeroDuration();
  }
  const absl::Duration wait = absl::Seconds((1 - bucket.tokens) / options_.tokens_per_second);
  return std::max(wait, absl::Nanoseconds(1));
}

RateLimiter::Bucket& RateLimiter::BucketOf(std::string_view key, absl::Duration now) {
  const auto found = buckets_.find(key);
  if (found != buckets_.end()) return found->second;
  if (buckets_.size() >= options_.keys_max) GiveUpFullOnes(now);
  if (buckets_.size() >= options_.keys_max) return shared_;
  return buckets_.emplace(std::string(key), Bucket{options_.burst, now}).first->second;
}

void RateLimiter::GiveUpFullOnes(absl::Duration now) {
  if (now < next_sweep_) return;
  next_sweep_ = now + kSweepPause;
  absl::erase_if(buckets_, [&](const auto& entry) { return TokensAt(entry.second, now) >= options_.burst; });
}

}  // namespace daybook
