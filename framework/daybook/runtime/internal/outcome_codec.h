#ifndef DAYBOOK_RUNTIME_INTERNAL_OUTCOME_CODEC_H_
#define DAYBOOK_RUNTIME_INTERNAL_OUTCOME_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "daybook/core/timestamp.h"
#include "daybook/runtime/command.h"
#include "daybook/runtime/internal/aggregate_ops.h"

namespace daybook::runtime::internal {

// Appends the row value of an outcome: a serialised daybook.v1.Outcome. What is not UTF-8 in a rejection is
// replaced by U+FFFD, since the row could not be read back.
void EncodeOutcome(const CommandOutcome& outcome, const Fingerprint& fingerprint, Timestamp decided_at,
                   std::string& out);

struct StoredOutcome {
  CommandOutcome outcome;
  Fingerprint fingerprint = {};
  Timestamp decided_at;
};

// kDataLoss, naming the command id, if the bytes are no outcome.
absl::StatusOr<StoredOutcome> DecodeOutcome(CommandId id, PartitionId partition, std::string_view bytes);

}  // namespace daybook::runtime::internal

#endif  // DAYBOOK_RUNTIME_INTERNAL_OUTCOME_CODEC_H_
