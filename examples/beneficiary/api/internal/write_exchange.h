#ifndef BENEFICIARY_API_INTERNAL_WRITE_EXCHANGE_H_
#define BENEFICIARY_API_INTERNAL_WRITE_EXCHANGE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "beneficiary/api/conditions.h"
#include "beneficiary/api/internal/rest_context.h"
#include "daybook/core/decision.h"

namespace beneficiary::api::internal {

// How a write answers when the read models asked for show it.
enum class Success { kCreated, kBeneficiary, kNoContent };

// Whose document the violations of a refusal point into.
enum class BodyKind { kBeneficiary, kBankAccount };

// A write's head, checked: what the headers say, and whom the write is for.
struct WriteHead {
  std::string caller;
  std::string resource;         // scope of the idempotency key
  std::string idempotency_key;  // "" = none
  std::string if_match;         // the header's text; "" = none
  std::optional<IfMatch> condition;
  Prefer prefer;
};

// Reads the headers of a write. A problem: Idempotency-Key missing on a POST or malformed (400), If-Match missing on a
// PATCH (428) or malformed (400), Prefer malformed or naming no read model (400), a body that does not say it is JSON
// (415).
std::variant<WriteHead, daybook::http::Problem> ReadWriteHead(const RestContext& context, const Caller& caller,
                                                              const daybook::http::Request& request,
                                                              std::string resource);

// The findings of a body as a problem: 400 if any is about its form, else 422; nullopt if there are none.
std::optional<daybook::http::Problem> ProblemOfBody(std::vector<daybook::Violation> malformed,
                                                    std::vector<daybook::Violation> broken_rules);

// Turns head and body into command options: id, fingerprint, expected revision, actor, deadline.
daybook::runtime::CommandOptions OptionsOf(const RestContext& context, const daybook::http::Request& request,
                                           const WriteHead& head, std::string_view canonical_body);

// Executes the write and answers.
void Execute(const SharedContext& context, const Caller& caller, WriteRequest write, const Prefer& prefer,
             Success success, BodyKind kind, daybook::http::Responder responder);

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_WRITE_EXCHANGE_H_
