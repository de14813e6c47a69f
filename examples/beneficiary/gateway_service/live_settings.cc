#include "beneficiary/gateway_service/live_settings.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/config.h"
#include "daybook/base/status.h"

DAYBOOK_FLAG(std::string, bos, "BOS", "",
             "the BOS instances whose live topics are read, each with its topics' prefix: uk:bos-uk,eu:bos-eu");
DAYBOOK_FLAG(std::vector<std::string>, forget_positions, "BOS", {},
             "topics to read from their first record again: they were made anew, or records were deleted unread");
DAYBOOK_FLAG(std::string, missing_history, "BOS", "refuse",
             "what to do about a topic whose first records are gone when it is first read: refuse, or accept");

namespace beneficiary {

using daybook::FlagValue;

absl::StatusOr<LiveGatewayOptions> ReadLiveSettings() {
  LiveGatewayOptions live;
  absl::StatusOr<std::vector<BosSource>> sources = ParseBosSources(FlagValue(FLAGS_bos));
  if (!sources.ok()) return daybook::Annotate(sources.status(), "--bos");
  live.sources = *std::move(sources);
  live.forget_positions = FlagValue(FLAGS_forget_positions);
  const std::string missing = FlagValue(FLAGS_missing_history);
  if (missing == "accept") {
    live.missing_history = LiveGatewayOptions::MissingHistory::kAccept;
  } else if (missing != "refuse") {
    return absl::InvalidArgumentError(absl::StrCat("--missing_history is refuse or accept, not ", missing));
  }
  return live;
}

}  // namespace beneficiary
