#include "daybook/runtime/internal/outcome_codec.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"
#include "daybook/codec/message_codec.h"
#include "daybook/v1/outcome.pb.h"

namespace daybook::runtime::internal {
namespace {

using Result = CommandOutcome::Result;

v1::Outcome::Result ToWire(Result result) {
  switch (result) {
    case Result::kCommitted:
      return v1::Outcome::RESULT_COMMITTED;
    case Result::kUnchanged:
      return v1::Outcome::RESULT_UNCHANGED;
    case Result::kRejected:
      return v1::Outcome::RESULT_REJECTED;
  }
  return v1::Outcome::RESULT_UNSPECIFIED;
}

std::optional<Result> FromWire(v1::Outcome::Result result) {
  switch (result) {
    case v1::Outcome::RESULT_COMMITTED:
      return Result::kCommitted;
    case v1::Outcome::RESULT_UNCHANGED:
      return Result::kUnchanged;
    case v1::Outcome::RESULT_REJECTED:
      return Result::kRejected;
    default:
      return std::nullopt;
  }
}

std::string Readable(const std::string& text) { return IsValidUtf8(text) ? text : ReplaceInvalidUtf8(text); }

void ToWire(const Reject& reject, v1::Outcome::Rejection& wire) {
  wire.set_code(static_cast<int>(reject.code));
  wire.set_reason(Readable(reject.reason));
  wire.set_message(Readable(reject.message));
  for (const Violation& violation : reject.violations) {
    v1::Outcome::Violation& to = *wire.add_violations();
    to.set_pointer(Readable(violation.pointer));
    to.set_code(Readable(violation.code));
    to.set_detail(Readable(violation.detail));
  }
}

Reject FromWire(const v1::Outcome::Rejection& wire) {
  Reject reject;
  reject.code = static_cast<Code>(wire.code());
  reject.reason = wire.reason();
  reject.message = wire.message();
  for (const v1::Outcome::Violation& violation : wire.violations()) {
    reject.violations.push_back({violation.pointer(), violation.code(), violation.detail()});
  }
  return reject;
}

}  // namespace

void EncodeOutcome(const CommandOutcome& outcome, const Fingerprint& fingerprint, Timestamp decided_at,
                   std::string& out) {
  thread_local v1::Outcome wire;  // its strings keep their memory: an outcome is written for every command
  wire.Clear();
  wire.set_result(ToWire(outcome.result));
  wire.set_stream(outcome.stream.text());
  wire.set_revision(outcome.revision.value());
  wire.set_position(outcome.position.value());
  wire.set_event_count(outcome.event_count);
  if (outcome.rejection.has_value()) ToWire(*outcome.rejection, *wire.mutable_rejection());
  wire.set_fingerprint(fingerprint.data(), fingerprint.size());
  wire.set_decided_at_us(decided_at.micros());
  codec::AppendDeterministically(wire, out);
}

absl::StatusOr<StoredOutcome> DecodeOutcome(CommandId id, PartitionId partition, std::string_view bytes) {
  const auto damaged = [&](std::string_view why) {
    return absl::DataLossError(absl::StrCat("outcome of command ", id.ToString(), ": ", ToAbsl(why)));
  };
  v1::Outcome wire;
  if (absl::Status parsed = codec::ParseStrictly(bytes, wire); !parsed.ok()) return damaged(ToStd(parsed.message()));
  const std::optional<Result> result = FromWire(wire.result());
  if (!result.has_value()) return damaged("no known result");
  std::optional<StreamId> stream = StreamId::Parse(wire.stream());
  if (!stream.has_value()) return damaged("no valid stream");
  StoredOutcome stored;
  if (wire.fingerprint().size() != stored.fingerprint.size()) return damaged("a fingerprint of another size");
  if ((*result == Result::kRejected) != wire.has_rejection()) return damaged("result and rejection disagree");
  std::copy(wire.fingerprint().begin(), wire.fingerprint().end(), stored.fingerprint.begin());
  stored.decided_at = Timestamp::FromMicros(wire.decided_at_us());
  CommandOutcome& outcome = stored.outcome;
  outcome.result = *result;
  outcome.id = id;
  outcome.stream = *std::move(stream);
  outcome.revision = Revision(wire.revision());
  outcome.position = Position(wire.position());
  outcome.partition = partition;
  outcome.event_count = wire.event_count();
  if (wire.has_rejection()) outcome.rejection = FromWire(wire.rejection());
  outcome.duplicate = true;
  return stored;
}

}  // namespace daybook::runtime::internal
