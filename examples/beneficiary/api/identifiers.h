#ifndef BENEFICIARY_API_IDENTIFIERS_H_
#define BENEFICIARY_API_IDENTIFIERS_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "daybook/core/strong.h"
#include "daybook/core/uuid.h"

namespace beneficiary::api {

// The command id of an idempotency key: the same caller, resource and key give the same command for ever.
//
//   CommandId id = CommandIdOfKey("anonymous", "/v1/clients/EBPCLI000042/beneficiaries", key);
daybook::CommandId CommandIdOfKey(std::string_view caller, std::string_view resource, std::string_view key);

// The id of the beneficiary that a registration with this command id creates.
daybook::Uuid BeneficiaryIdOf(const daybook::CommandId& command_id);

// What a request asked for, as 32 bytes: two requests with one key must agree in it. if_match is the header's text, ""
// if there was none; canonical_body is RFC 8785 text.
std::string RequestFingerprint(std::string_view method, std::string_view path, std::string_view if_match,
                               std::string_view canonical_body);

// A place in the log that a caller has seen: a read that carries it never shows anything older.
//
//   response.AddHeader("Consistency-Token", ConsistencyToken{.position = outcome.position}.Encode());
//
// Thread safety: a value type. Invariant: Parse(Encode(t)) == t; opaque to callers.
struct ConsistencyToken {
  std::string category = "beneficiary";
  daybook::PartitionId partition;
  daybook::Position position;

  std::string Encode() const;
  // nullopt: not a token of this service.
  static std::optional<ConsistencyToken> Parse(std::string_view text);
  friend bool operator==(const ConsistencyToken&, const ConsistencyToken&) = default;
};

// The position that a token of this service names. kInvalidArgument (reason CONSISTENCY_TOKEN_MALFORMED): it is none.
absl::StatusOr<daybook::Position> PositionOfToken(std::string_view text);

// Names one accepted command for GET /v1/operations: "<partition>-<command id>".
struct OperationId {
  daybook::PartitionId partition;
  daybook::CommandId command_id;

  std::string Encode() const;
  static std::optional<OperationId> Parse(std::string_view text);
};

// Lower-case canonical text of a UUID written in any case; nullopt if it is none.
std::optional<std::string> CanonicalUuid(std::string_view text);

// True for "EBPCLI" and six digits.
bool LooksLikeClientId(std::string_view text);

}  // namespace beneficiary::api

#endif  // BENEFICIARY_API_IDENTIFIERS_H_
