#ifndef DAYBOOK_BASE_RATE_LIMITER_H_
#define DAYBOOK_BASE_RATE_LIMITER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daybook/base/clock.h"
#include "daybook/base/strings.h"

namespace daybook {

struct RateLimiterOptions {
  double tokens_per_second = 0;   // above 0
  double burst = 1;               // what a full bucket holds; at least 1
  std::size_t keys_max = 10'000;  // buckets at once; the keys beyond them share one bucket
  const Clock* clock = &Clock::System();
};

// A token bucket for each key: how often each caller may do something.
//
//   RateLimiter limiter({.tokens_per_second = 50, .burst = 100});
//   const absl::Duration wait = limiter.Take(caller);
//   if (wait > absl::ZeroDuration()) return WithRetryAfter(absl::ResourceExhaustedError("…"), wait);
//
// Thread safety: every method from any thread.
// Invariants:
//  1. Within any time t no key gets more than burst + t * tokens_per_second tokens.
//  2. A refusal takes nothing: who asks too often gets the rate all the same.
//  3. At most keys_max buckets, whatever keys come. A bucket is given up when it is full again, for then a new one is
//     the same; it is never given up before, so that no flood of new keys wipes out what a key has used.
class RateLimiter {
 public:
  // Precondition (checked): the rate is above 0, the burst and keys_max at least 1.
  explicit RateLimiter(RateLimiterOptions options);

  // Takes a token of `key`. Zero: it was there. Otherwise the time until there is one, and nothing was taken.
  absl::Duration Take(std::string_view key);

  // Buckets now, the shared one not counted.
  std::size_t keys() const;

 private:
  struct Bucket {
    double tokens;
    absl::Duration as_of;  // monotonic
  };

  absl::Duration TakeFrom(Bucket& bucket, absl::Duration now) const;
  double TokensAt(const Bucket& bucket, absl::Duration now) const;
  Bucket& BucketOf(std::string_view key, absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void GiveUpFullOnes(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const RateLimiterOptions options_;
  mutable absl::Mutex mu_;
  StringMap<Bucket> buckets_ ABSL_GUARDED_BY(mu_);
  Bucket shared_ ABSL_GUARDED_BY(mu_);
  absl::Duration next_sweep_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
};

}  // namespace daybook

#endif  // DAYBOOK_BASE_RATE_LIMITER_H_
