#include "daybook/grpc/status.h"

#include <google/protobuf/any.pb.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/support/status.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/log.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"

namespace daybook::rpc {
namespace {

// The trailers of a call: the message goes twice, percent-encoded and in the details, which are base64.
constexpr std::size_t kMessageBytesMax = 512;
constexpr std::size_t kTextBytesMax = 200;
constexpr std::size_t kViolationBytesMax = 1800;
constexpr std::size_t kMetadataBytesMax = 400;

std::string Cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return ReplaceInvalidUtf8(text);
  return ReplaceInvalidUtf8(text.substr(0, bytes_max)) + "...";
}

// Adds as many as fit; returns how many did not.
std::size_t AddViolations(const std::vector<Violation>& violations, google::rpc::Status& out) {
  if (violations.empty()) return 0;
  google::rpc::BadRequest bad_request;
  std::size_t omitted = 0;
  for (const Violation& violation : violations) {
    auto* field = bad_request.add_field_violations();
    field->set_field(Cut(FieldPath(violation.pointer), kTextBytesMax));
    field->set_description(Cut(violation.detail, kTextBytesMax));
    field->set_reason(Cut(violation.code, kTextBytesMax));
    if (bad_request.ByteSizeLong() <= kViolationBytesMax) continue;
    bad_request.mutable_field_violations()->RemoveLast();
    ++omitted;
  }
  out.add_details()->PackFrom(bad_request);
  return omitted;
}

std::string Serialized(const absl::Status& status, const ErrorDetails& details) {
  google::rpc::Status out;
  out.set_code(static_cast<int>(status.code()));
  out.set_message(Cut(ToStd(status.message()), kMessageBytesMax));
  google::rpc::Status violations;
  const std::size_t omitted = AddViolations(details.violations, violations);
  if (!details.reason.empty() || !details.metadata.empty() || omitted > 0) {
    google::rpc::ErrorInfo info;
    info.set_reason(Cut(details.reason, kTextBytesMax));
    info.set_domain(Cut(details.domain, kTextBytesMax));
    std::size_t bytes = 0;
    for (const auto& [name, value] : details.metadata) {
      bytes += name.size() + value.size();
      if (bytes > kMetadataBytesMax) break;
      (*info.mutable_metadata())[ReplaceInvalidUtf8(name)] = ReplaceInvalidUtf8(value);
    }
    if (omitted > 0) (*info.mutable_metadata())["violations_omitted"] = absl::StrCat(omitted);
    out.add_details()->PackFrom(info);
  }
  if (details.retry_after) {
    google::rpc::RetryInfo retry;
    absl::Duration rest;
    retry.mutable_retry_delay()->set_seconds(absl::IDivDuration(*details.retry_after, absl::Seconds(1), &rest));
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(rest)));
    out.add_details()->PackFrom(retry);
  }
  out.MergeFrom(violations);
  return out.details_size() == 0 ? std::string() : out.SerializeAsString();
}

bool IsInside(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kDataLoss ||
         code == absl::StatusCode::kUnknown;
}

}  // namespace

::grpc::Status ToGrpc(const absl::Status& status, const ErrorDetails& details) {
  if (status.ok()) return ::grpc::Status::OK;
  // The canonical codes are gRPC's.
  return ::grpc::Status(static_cast<::grpc::StatusCode>(status.code()), Cut(ToStd(status.message()), kMessageBytesMax),
                        Serialized(status, details));
}

::grpc::Status ToGrpc(const absl::Status& status, std::string_view domain) {
  ErrorDetails details;
  details.reason = ReasonOf(status);
  if (!details.reason.empty()) details.domain = std::string(domain);
  details.retry_after = RetryAfterOf(status);
  if (!IsInside(status.code())) return ToGrpc(status, details);
  Log(LogLevel::kError, "a call failed", {{"status", status.ToString()}});
  return ToGrpc(absl::Status(status.code(), "internal error"), details);
}

::grpc::Status ToGrpc(const Reject& reject, std::string_view domain) {
  ErrorDetails details;
  details.reason = reject.reason;
  if (!details.reason.empty()) details.domain = std::string(domain);
  details.violations = reject.violations;
  const std::string& message = reject.message.empty() ? reject.reason : reject.message;
  return ToGrpc(absl::Status(static_cast<absl::StatusCode>(reject.code), message), details);
}

absl::Status FromGrpc(const ::grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status out(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  const absl::StatusOr<ErrorDetails> details = DetailsOf(status);
  if (!details.ok()) return out;
  if (!details->reason.empty()) out = WithReason(std::move(out), details->reason);
  if (details->retry_after) out = WithRetryAfter(std::move(out), *details->retry_after);
  return out;
}

absl::StatusOr<ErrorDetails> DetailsOf(const ::grpc::Status& status) {
  ErrorDetails details;
  google::rpc::Status in;
  const auto malformed = [] { return absl::DataLossError("grpc-status-details-bin cannot be parsed"); };
  if (!in.ParseFromString(status.error_details())) return malformed();
  for (const google::protobuf::Any& any : in.details()) {
    if (any.Is<google::rpc::ErrorInfo>()) {
      google::rpc::ErrorInfo info;
      if (!any.UnpackTo(&info)) return malformed();
      details.reason = info.reason();
      details.domain = info.domain();
      details.metadata.insert(info.metadata().begin(), info.metadata().end());
    } else if (any.Is<google::rpc::BadRequest>()) {
      google::rpc::BadRequest bad_request;
      if (!any.UnpackTo(&bad_request)) return malformed();
      for (const auto& field : bad_request.field_violations()) {
        details.violations.push_back({JsonPointer(field.field()), field.reason(), field.description()});
      }
    } else if (any.Is<google::rpc::RetryInfo>()) {
      google::rpc::RetryInfo retry;
      if (!any.UnpackTo(&retry)) return malformed();
      details.retry_after =
          absl::Seconds(retry.retry_delay().seconds()) + absl::Nanoseconds(retry.retry_delay().nanos());
    }
  }
  return details;
}

std::string FieldPath(std::string_view json_pointer, std::string_view prefix) {
  std::string path(prefix);
  while (json_pointer.starts_with('/')) {
    json_pointer.remove_prefix(1);
    const std::string_view step = json_pointer.substr(0, json_pointer.find('/'));
    json_pointer.remove_prefix(step.size());
    const bool index = !step.empty() && step.find_first_not_of("0123456789") == std::string_view::npos;
    if (index) {
      absl::StrAppend(&path, "[", ToAbsl(step), "]");
    } else {
      absl::StrAppend(&path, path.empty() ? "" : ".", ToAbsl(step));
    }
  }
  return path;
}

std::string JsonPointer(std::string_view field_path) {
  std::string pointer;
  if (!field_path.empty() && field_path.front() != '[') pointer.push_back('/');
  for (const char c : field_path) {
    if (c == '.' || c == '[') {
      pointer.push_back('/');
    } else if (c != ']') {
      pointer.push_back(c);
    }
  }
  return pointer;
}

}  // namespace daybook::rpc
