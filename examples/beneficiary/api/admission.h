#ifndef BENEFICIARY_API_ADMISSION_H_
#define BENEFICIARY_API_ADMISSION_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "beneficiary/app/caller.h"
#include "daybook/base/clock.h"
#include "daybook/base/rate_limiter.h"

namespace beneficiary::api {

struct AdmissionOptions {
  // Who calls, as the proxy in front has established it. Part of an idempotency key's scope, and the actor of the
  // events.
  std::string identity_header = "X-Caller-Identity";
  // Which clients the caller may read and which it may write: client ids with commas between them, or *. Both or
  // neither; neither = everybody may do everything.
  std::string read_clients_header;
  std::string write_clients_header;

  double requests_per_second_max = 0;  // of one caller; 0 = no limit
  double requests_burst = 0;           // at once, after a pause; at least 1 where there is a limit
  std::size_t callers_max = 10'000;    // counted apart; those beyond share one count
  const daybook::Clock* clock = &daybook::Clock::System();

  // Asked with each request until it has been OK once, or is an error other than kUnavailable: what must have happened
  // before anybody is answered. A process whose read models have yet to catch up would say 404 of what it has not read.
  std::function<absl::Status()> opens_when;

  // Called for each request that is not admitted, with the edge's name and the reason; must not block.
  std::function<void(std::string_view edge, std::string_view reason)> on_refused;
};

// The first thing that happens to a request, at every edge and for every route and method: whether its caller has asked
// too often, who it is, and which clients it may read and write. Without a Caller nothing of the service can be called.
//
//   DAYBOOK_ASSIGN_OR_RETURN(const Caller caller, admission.Admit("rest", values, request.peer()));
//
// Thread safety: every method from any thread.
// Invariants:
//   1. The headers are trusted to come from the proxy in front, and are hostile until read: one that comes twice, or is
//      longer or of other characters than it may be, is refused, never read in part.
//   2. Where clients are restricted, a request without an identity is refused, and a missing list is an empty one.
class Admission {
 public:
  static constexpr std::size_t kIdentityBytesMax = 256;
  static constexpr std::size_t kClientIdBytesMax = 64;
  static constexpr std::size_t kClientIdsMax = 1000;

  // kInvalidArgument: a header's name that is none, one list's header without the other, a limit that is none.
  static absl::Status Check(const AdmissionOptions& options);

  // Precondition (checked): Check(options) is OK.
  explicit Admission(AdmissionOptions options);

  // Every value that the request has for a header.
  using Values = absl::FunctionRef<std::vector<std::string_view>(std::string_view header)>;

  // The caller of a request that came from `peer`. kUnavailable (reason CATCHING_UP) and kResourceExhausted
  // (RATE_LIMITED): RetryAfterOf says when again. kUnauthenticated (IDENTITY_REQUIRED), kInvalidArgument
  // (IDENTITY_MALFORMED, CLIENTS_MALFORMED).
  absl::StatusOr<Caller> Admit(std::string_view edge, Values values, std::string_view peer);

 private:
  absl::Status IsOpen();
  bool Restricts() const { return !options_.read_clients_header.empty(); }
  absl::StatusOr<Caller> Identify(const std::vector<std::string_view>& identities, Values values) const;
  absl::Status TakeTurn(const std::vector<std::string_view>& identities, std::string_view peer);

  const AdmissionOptions options_;
  std::optional<daybook::RateLimiter> limiter_;
  std::atomic<bool> open_;
};

}  // namespace beneficiary::api

#endif  // BENEFICIARY_API_ADMISSION_H_
