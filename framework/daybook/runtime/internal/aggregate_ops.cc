#include "daybook/runtime/internal/aggregate_ops.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/strings.h"

namespace daybook::runtime::internal {
namespace {

constexpr std::size_t kEventsPerCommandMax = 65535;       // what a store takes in one append
constexpr std::size_t kEventBytesMax = 16 * 1024 * 1024;  // far below what a batch, a page or a topic could hold

}  // namespace

absl::Status GuardUserCode(std::string_view what, absl::FunctionRef<void()> code) {
  try {
    code();
    return absl::OkStatus();
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat(ToAbsl(what), " threw: ", e.what()));
  } catch (...) {
    return absl::InternalError(absl::StrCat(ToAbsl(what), " threw something that is no std::exception"));
  }
}

absl::Status CheckEventLimits(std::size_t events, std::string_view category) {
  if (events <= kEventsPerCommandMax) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("a command of ", ToAbsl(category), " decided on ", events,
                                          " events; at most ", kEventsPerCommandMax, " can be stored together"));
}

absl::Status CheckEvent(const google::protobuf::Message& message, std::string_view data) {
  if (data.size() > kEventBytesMax) {
    return absl::InternalError(absl::StrCat("an event ", message.GetDescriptor()->full_name(), " of ", data.size(),
                                            " bytes; at most ", kEventBytesMax, " can be stored"));
  }
  absl::Status strings = codec::CheckSerializedStrings(*message.GetDescriptor(), data);
  if (!strings.ok()) return absl::InternalError(absl::StrCat("an event cannot be stored: ", strings.message()));
  return absl::OkStatus();
}

Fingerprint FingerprintOf(const StreamId& stream, std::string_view given, const google::protobuf::Message& command,
                          std::size_t& bytes) {
  constexpr std::size_t kKeptBytesMax = 64 * 1024;
  thread_local std::string content;  // keeps its memory: every command comes through here
  content.clear();
  AppendLengthPrefixed(content, stream.text());
  AppendLengthPrefixed(content, given);
  if (given.empty()) {
    AppendLengthPrefixed(content, command.GetDescriptor()->full_name());
    const std::size_t before = content.size();
    codec::AppendDeterministically(command, content);
    bytes = content.size() - before;
  } else {
    bytes = command.ByteSizeLong();
  }
  const Fingerprint fingerprint = Hash128(content);
  if (content.capacity() > kKeptBytesMax) std::string().swap(content);
  return fingerprint;
}

std::uint64_t StateFingerprint(std::uint64_t schema, std::uint64_t fold_version) {
  std::string content;
  AppendBigEndian64(content, schema);
  AppendBigEndian64(content, fold_version);
  return Hash64(content);
}

}  // namespace daybook::runtime::internal
