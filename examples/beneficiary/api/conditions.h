#ifndef BENEFICIARY_API_CONDITIONS_H_
#define BENEFICIARY_API_CONDITIONS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/core/strong.h"

namespace beneficiary::api {

// The entity tag of a revision: "7" with its quotes.
std::string EntityTag(daybook::Revision revision);

// What If-Match asks for (RFC 9110 section 13.1.1).
struct IfMatch {
  enum class Kind {
    kRevision,  // exactly this revision
    kAnything,  // *: it exists
    kNothing,   // a well-formed tag that no revision has, so that nothing can match
  };
  Kind kind = Kind::kAnything;
  daybook::Revision revision;

  // kInvalidArgument: not one entity tag or *.
  static absl::StatusOr<IfMatch> Parse(std::string_view header);
};

// True if If-None-Match (RFC 9110 section 13.1.2; weak comparison, lists, *) names `tag`. A malformed header matches
// nothing.
bool NoneMatchNames(std::string_view header, std::string_view tag);

// What `Prefer: wait=5, models="list.v1"` asks for (RFC 7240).
struct Prefer {
  std::optional<absl::Duration> wait;  // absent: answer as soon as the command is accepted
  std::vector<std::string> models;     // empty: all

  // Other preferences are ignored, as the RFC wants. kInvalidArgument: a wait that is not 0 to 60 whole seconds,
  // or a models that is not a list of names.
  static absl::StatusOr<Prefer> Parse(const std::vector<std::string_view>& headers);

  // The header Preference-Applied of an answer that has waited.
  std::string Applied() const;
};

inline constexpr int kWaitSecondsMax = 60;

// OK for 1 to 128 printable ASCII characters (0x21 to 0x7e, and blanks inside); else kInvalidArgument.
absl::Status CheckIdempotencyKey(std::string_view key);

}  // namespace beneficiary::api

#endif  // BENEFICIARY_API_CONDITIONS_H_
