#ifndef BENEFICIARY_GATEWAY_SERVICE_TOPICS_H_
#define BENEFICIARY_GATEWAY_SERVICE_TOPICS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace beneficiary {

// One BOS that is captured, and the prefix of the topics that its connector writes.
struct BosSource {
  std::string instance;  // part of every id: "uk"
  std::string prefix;    // "bos-uk": its topics are bos-uk.public.core_bank …

  friend bool operator==(const BosSource&, const BosSource&) = default;
};

// Reads "uk:bos-uk,eu:bos-eu", or "uk", whose prefix is then bos-uk. kInvalidArgument: a malformed instance or prefix,
// or one of them twice.
absl::StatusOr<std::vector<BosSource>> ParseBosSources(std::string_view text);

// The connector's topics: of every captured table, of transactions, and of logical messages.
std::vector<std::string> CapturedTopics(const BosSource& source);
// Where records go that were not understood.
std::string DeadLetterTopic(std::string_view topic);
// Where dead letters are sent back, of all topics of a source: "bos-uk.replay".
std::string ReplayTopic(const BosSource& source);

// Where commands go.
inline constexpr std::string_view kBeneficiaryCommandsTopic = "beneficiary.beneficiary.commands.v1";
inline constexpr std::string_view kClientCommandsTopic = "beneficiary.client.commands.v1";
// By the category of their stream; "" = there is no such topic.
std::string_view CommandsTopic(std::string_view category);

}  // namespace beneficiary

#endif  // BENEFICIARY_GATEWAY_SERVICE_TOPICS_H_
