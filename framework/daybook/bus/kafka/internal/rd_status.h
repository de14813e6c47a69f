#ifndef DAYBOOK_BUS_KAFKA_INTERNAL_RD_STATUS_H_
#define DAYBOOK_BUS_KAFKA_INTERNAL_RD_STATUS_H_

#include <librdkafka/rdkafka.h>

#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace daybook::bus::internal {

// An error of librdkafka or of the broker as a status; `what` says what was tried. NO_ERROR is OK.
absl::Status RdStatus(rd_kafka_resp_err_t error, std::string_view what, std::string_view detail = "");

// The same for an error object, which says besides what a transaction has to do: with the reasons of bus/transaction.h.
absl::Status TransactionStatus(const rd_kafka_error_t* error, std::string_view what);

// Calls `ask` with the time that is left until it says anything but kUnavailable, or the time is over: a broker that
// has just been told of a topic, or just started, says so for a moment.
absl::Status AskAgain(absl::Duration timeout, absl::FunctionRef<absl::Status(absl::Duration)> ask);

// For librdkafka's time-outs: at least 0, at most a day.
int ToMilliseconds(absl::Duration timeout);

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_KAFKA_INTERNAL_RD_STATUS_H_
