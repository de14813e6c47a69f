#ifndef DAYBOOK_GRPC_STATUS_H_
#define DAYBOOK_GRPC_STATUS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "daybook/core/decision.h"

namespace grpc {
class Status;
}  // namespace grpc

namespace daybook::rpc {

// What an error carries besides code and message, as messages of google.rpc in grpc-status-details-bin.
struct ErrorDetails {
  std::string reason;  // ErrorInfo, sent if not empty
  std::string domain;
  std::map<std::string, std::string> metadata;
  std::vector<Violation> violations;  // BadRequest: pointer -> field path, code -> reason, detail -> description
  std::optional<absl::Duration> retry_after;  // RetryInfo

  friend bool operator==(const ErrorDetails&, const ErrorDetails&) = default;
};

// A framework error for the wire: the same code; reason and retry hint (base/reason.h) become details. kInternal,
// kDataLoss and kUnknown tell nothing of the inside: the message is "internal error" and the true one is logged.
//
//   return call.Finish(ToGrpc(status, "beneficiary.daybook"));
//
// Thread safety: free functions. Invariant of what is sent: message and details together stay below 4 KiB, half of what
// clients take by default; violations beyond that are counted in the metadata as "violations_omitted", a longer message
// is cut. Text that is not UTF-8 is replaced.
::grpc::Status ToGrpc(const absl::Status& status, std::string_view domain);

// A domain's refusal: its code, its reason as ErrorInfo, its violations as BadRequest.
::grpc::Status ToGrpc(const Reject& reject, std::string_view domain);

// Any error with any details. OK gives OK without details.
::grpc::Status ToGrpc(const absl::Status& status, const ErrorDetails& details);

// The way back, for clients and tests: code, message, and reason and retry hint as base/reason.h keeps them.
absl::Status FromGrpc(const ::grpc::Status& status);

// The details of an error; empty where there are none. kDataLoss: the trailer cannot be parsed. Field paths become JSON
// pointers again.
absl::StatusOr<ErrorDetails> DetailsOf(const ::grpc::Status& status);

// "/bank_accounts/0/iban" -> "bank_accounts[0].iban", and back. `prefix` goes in front: "beneficiary".
std::string FieldPath(std::string_view json_pointer, std::string_view prefix = "");
std::string JsonPointer(std::string_view field_path);

}  // namespace daybook::rpc

#endif  // DAYBOOK_GRPC_STATUS_H_
