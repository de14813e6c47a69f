#include "beneficiary/gateway_service/topics.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "beneficiary/gateway/bos_gateway.h"
#include "beneficiary/gateway/bos_tables.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace beneficiary {

namespace {

constexpr std::size_t kPrefixSizeMax = 100;

absl::Status CheckPrefix(const std::string& prefix) {
  const bool fits =
      !prefix.empty() && prefix.size() <= kPrefixSizeMax && std::all_of(prefix.begin(), prefix.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
      });
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the prefix of BOS's topics is 1 to ", kPrefixSizeMax,
                                                 " of a-z, A-Z, 0-9, ., _ and -, not \"", prefix, "\""));
}

}  // namespace

absl::StatusOr<std::vector<BosSource>> ParseBosSources(std::string_view text) {
  std::vector<BosSource> sources;
  for (const absl::string_view item : absl::StrSplit(daybook::ToAbsl(text), ',', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(item, absl::MaxSplits(':', 1));
    BosSource source{parts[0], parts.size() == 2 ? parts[1] : absl::StrCat("bos-", parts[0])};
    DAYBOOK_RETURN_IF_ERROR(CheckInstance(source.instance));
    DAYBOOK_RETURN_IF_ERROR(CheckPrefix(source.prefix));
    for (const BosSource& other : sources) {
      if (other.instance != source.instance && other.prefix != source.prefix) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("two of the BOS instances are ", source.instance, ", or have the topic prefix ", source.prefix));
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

std::vector<std::string> CapturedTopics(const BosSource& source) {
  std::vector<std::string> topics;
  for (const daybook::cdc::Table& table : BosCatalog().tables()) {
    topics.push_back(absl::StrCat(source.prefix, ".", table.name));
  }
  topics.push_back(absl::StrCat(source.prefix, ".transaction"));
  topics.push_back(absl::StrCat(source.prefix, ".message"));
  return topics;
}

std::string DeadLetterTopic(std::string_view topic) { return absl::StrCat(daybook::ToAbsl(topic), ".dlq"); }

std::string ReplayTopic(const BosSource& source) { return absl::StrCat(source.prefix, ".replay"); }

std::string_view CommandsTopic(std::string_view category) {
  if (category == "beneficiary") return kBeneficiaryCommandsTopic;
  if (category == "client") return kClientCommandsTopic;
  return "";
}

}  // namespace beneficiary
