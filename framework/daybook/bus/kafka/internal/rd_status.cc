#include "daybook/bus/kafka/internal/rd_status.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/clock.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"

namespace daybook::bus::internal {
namespace {

absl::StatusCode CodeOf(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return absl::StatusCode::kOk;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return absl::StatusCode::kAlreadyExists;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      return absl::StatusCode::kPermissionDenied;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
      return absl::StatusCode::kInvalidArgument;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case RD_KAFKA_RESP_ERR__STATE:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
      return absl::StatusCode::kFailedPrecondition;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
      return absl::StatusCode::kDataLoss;
    case RD_KAFKA_RESP_ERR__DESTROY:
      return absl::StatusCode::kCancelled;
    default:
      return absl::StatusCode::kUnavailable;  // the broker, the connection to it, or a time-out
  }
}

bool IsFenced(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__FENCED || error == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         error == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

}  // namespace

absl::Status RdStatus(rd_kafka_resp_err_t error, std::string_view what, std::string_view detail) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  const std::string text(detail.empty() ? std::string_view(rd_kafka_err2str(error)) : detail);
  return absl::Status(CodeOf(error), absl::StrCat(ToAbsl(what), ": ", text, " (", rd_kafka_err2name(error), ")"));
}

absl::Status TransactionStatus(const rd_kafka_error_t* error, std::string_view what) {
  if (error == nullptr) return absl::OkStatus();
  const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
  const std::string text =
      absl::StrCat(ToAbsl(what), ": ", rd_kafka_error_string(error), " (", rd_kafka_err2name(code), ")");
  if (rd_kafka_error_is_fatal(error) != 0 || code == RD_KAFKA_RESP_ERR__FATAL) {
    return IsFenced(code) ? WithReason(absl::FailedPreconditionError(text), "PRODUCER_FENCED")
                          : WithReason(absl::InternalError(text), "PRODUCER_FATAL");
  }
  if (IsFenced(code)) return WithReason(absl::FailedPreconditionError(text), "PRODUCER_FENCED");
  if (rd_kafka_error_txn_requires_abort(error) != 0) return WithReason(absl::AbortedError(text), "TRANSACTION_ABORT");
  if (rd_kafka_error_is_retriable(error) != 0 || code == RD_KAFKA_RESP_ERR__TIMED_OUT) {
    return WithReason(absl::UnavailableError(text), "TRANSACTION_RETRY");
  }
  return RdStatus(code, what, rd_kafka_error_string(error));
}

absl::Status AskAgain(absl::Duration timeout, absl::FunctionRef<absl::Status(absl::Duration)> ask) {
  constexpr absl::Duration kPause = absl::Milliseconds(20);
  const absl::Duration deadline = MonotonicNow() + timeout;
  absl::Mutex mu;
  absl::CondVar never;
  while (true) {
    const absl::Status status = ask(deadline - MonotonicNow());
    if (!absl::IsUnavailable(status) || MonotonicNow() + kPause > deadline) return status;
    absl::MutexLock lock(&mu);
    never.WaitWithTimeout(&mu, kPause);
  }
}

int ToMilliseconds(absl::Duration timeout) {
  return static_cast<int>(absl::ToInt64Milliseconds(std::clamp(timeout, absl::ZeroDuration(), absl::Hours(24))));
}

}  // namespace daybook::bus::internal
