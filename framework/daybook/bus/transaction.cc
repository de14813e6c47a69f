#include "daybook/bus/transaction.h"

#include "daybook/base/reason.h"

namespace daybook::bus {

TransactionFailure FailureOf(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  if (reason == "TRANSACTION_RETRY") return TransactionFailure::kRetry;
  if (reason == "TRANSACTION_ABORT") return TransactionFailure::kAbort;
  if (reason == "PRODUCER_FENCED") return TransactionFailure::kFenced;
  if (reason == "PRODUCER_FATAL") return TransactionFailure::kFatal;
  return TransactionFailure::kOther;
}

}  // namespace daybook::bus
