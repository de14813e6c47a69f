#ifndef DAYBOOK_BASE_REASON_H_
#define DAYBOOK_BASE_REASON_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace daybook {

// A status says what kind of failure; a reason says which one, for programs: UPPER_SNAKE_CASE, stable for ever. It
// travels as a payload of the status (Annotate keeps it); the edges put it into their error documents.
//
//   return WithReason(absl::ResourceExhaustedError("16384 commands wait already"), "QUEUE_FULL");
//   if (ReasonOf(status) == "QUEUE_FULL") …
//
// Thread safety: free functions on value types. OK carries no reason: WithReason(OK) is OK.
absl::Status WithReason(absl::Status status, std::string_view reason);

// The reason; "" if the status has none.
std::string ReasonOf(const absl::Status& status);

// A hint when to try again, cut to milliseconds, at least one. Edges send it as Retry-After or google.rpc.RetryInfo.
absl::Status WithRetryAfter(absl::Status status, absl::Duration delay);

// The hint; nullopt if the status has none.
std::optional<absl::Duration> RetryAfterOf(const absl::Status& status);

}  // namespace daybook

#endif  // DAYBOOK_BASE_REASON_H_
