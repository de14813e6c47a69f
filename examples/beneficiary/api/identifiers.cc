#include "beneficiary/api/identifiers.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/identity.h"
#include "daybook/base/hash.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"
#include "daybook/base/uuid_source.h"

namespace beneficiary::api {

using daybook::CommandId;
using daybook::PartitionId;
using daybook::Position;
using daybook::ToAbsl;
using daybook::Uuid;

namespace {

constexpr std::string_view kTokenPrefix = "1:";  // the token's own format version

// Digits only, no sign, no leading zero but in "0" itself.
template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (text[0] == '-' || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  return number;
}

}  // namespace

CommandId CommandIdOfKey(std::string_view caller, std::string_view resource, std::string_view key) {
  // Lengths in front, so that no two triples spell the same name.
  std::string name = "api:";
  daybook::AppendLengthPrefixed(name, caller);
  daybook::AppendLengthPrefixed(name, resource);
  daybook::AppendLengthPrefixed(name, key);
  return CommandId(daybook::NameBasedUuid(kNamespace, name));
}

Uuid BeneficiaryIdOf(const CommandId& command_id) { return daybook::NameBasedUuid(kNamespace, command_id.ToString()); }

std::string RequestFingerprint(std::string_view method, std::string_view path, std::string_view if_match,
                               std::string_view canonical_body) {
  std::string content;
  daybook::AppendLengthPrefixed(content, method);
  daybook::AppendLengthPrefixed(content, path);
  daybook::AppendLengthPrefixed(content, if_match);
  daybook::AppendLengthPrefixed(content, canonical_body);
  return daybook::Sha256(content);
}

std::string ConsistencyToken::Encode() const {
  const std::string text = absl::StrCat(ToAbsl(kTokenPrefix), category, ":", partition.value(), ":", position.value());
  return absl::WebSafeBase64Escape(text);
}

std::optional<ConsistencyToken> ConsistencyToken::Parse(std::string_view encoded) {
  std::string decoded;
  if (encoded.size() > 256 || !absl::WebSafeBase64Unescape(ToAbsl(encoded), &decoded)) return std::nullopt;
  std::string_view text = decoded;
  if (text.substr(0, kTokenPrefix.size()) != kTokenPrefix) return std::nullopt;
  text.remove_prefix(kTokenPrefix.size());
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto partition = ParseNumber<std::uint32_t>(text.substr(first + 1, second - first - 1));
  const auto position = ParseNumber<std::uint64_t>(text.substr(second + 1));
  if (!partition || !position) return std::nullopt;
  ConsistencyToken token{std::string(text.substr(0, first)), PartitionId(*partition), Position(*position)};
  // One spelling only: base64 with stray bits or padding is not ours.
  if (token.category.empty() || token.Encode() != encoded) return std::nullopt;
  return token;
}

absl::StatusOr<Position> PositionOfToken(std::string_view text) {
  const std::optional<ConsistencyToken> token = ConsistencyToken::Parse(text);
  if (!token || token->category != Beneficiary::kCategory || token->partition != PartitionId()) {
    return daybook::WithReason(absl::InvalidArgumentError("The consistency token is not one of this service."),
                               "CONSISTENCY_TOKEN_MALFORMED");
  }
  return token->position;
}

std::string OperationId::Encode() const { return absl::StrCat(partition.value(), "-", command_id.ToString()); }

std::optional<OperationId> OperationId::Parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto partition = ParseNumber<std::uint32_t>(text.substr(0, dash));
  const std::optional<Uuid> id = Uuid::Parse(text.substr(dash + 1));
  if (!partition || !id) return std::nullopt;
  return OperationId{PartitionId(*partition), CommandId(*id)};
}

std::optional<std::string> CanonicalUuid(std::string_view text) {
  const std::optional<Uuid> id = Uuid::Parse(text);
  if (!id) return std::nullopt;
  return id->ToString();
}

bool LooksLikeClientId(std::string_view text) {
  constexpr std::string_view kPrefix = "EBPCLI";
  return text.size() == kPrefix.size() + 6 && text.substr(0, kPrefix.size()) == kPrefix &&
         std::all_of(text.begin() + kPrefix.size(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace beneficiary::api
