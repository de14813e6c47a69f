#include "daybook/bus/admin.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daybook/base/status.h"

namespace daybook::bus {
namespace {

void AppendDifferences(const TopicSpec& wanted, const TopicSpec& present, std::vector<std::string>& differences) {
  if (present.partitions != wanted.partitions) {
    differences.push_back(
        absl::StrCat(wanted.topic, " has ", present.partitions, " partitions, not ", wanted.partitions));
  }
  for (const auto& [name, value] : wanted.config) {
    const auto found = present.config.find(name);
    if (found != present.config.end() && found->second == value) continue;
    differences.push_back(absl::StrCat(wanted.topic, " has ", name, "=",
                                       found == present.config.end() ? "(default)" : found->second, ", not ", value));
  }
}

}  // namespace

absl::Status EnsureTopics(Admin& admin, std::span<const TopicSpec> specs, absl::Duration timeout) {
  std::vector<std::string> differences;
  for (const TopicSpec& spec : specs) {
    const absl::Status created = admin.CreateTopic(spec, timeout);
    if (created.ok()) continue;
    if (!absl::IsAlreadyExists(created)) return Annotate(created, "topic " + spec.topic);
    DAYBOOK_ASSIGN_OR_RETURN(const TopicSpec present, admin.DescribeTopic(spec.topic, timeout));
    AppendDifferences(spec, present, differences);
  }
  if (differences.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(differences, "; "));
}

}  // namespace daybook::bus
