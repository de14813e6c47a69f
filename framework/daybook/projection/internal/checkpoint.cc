#include "daybook/projection/internal/checkpoint.h"

#include "absl/strings/str_cat.h"
#include "daybook/base/strings.h"

namespace daybook::projection::internal {

namespace {
constexpr char kWithoutCursor = 1;
constexpr char kWithCursor = 2;
constexpr std::size_t kFixedSize = 1 + 8 + 8 + 16;
}  // namespace

std::string EncodeCheckpoint(const Checkpoint& checkpoint) {
  std::string out(1, checkpoint.cursor.empty() ? kWithoutCursor : kWithCursor);
  AppendBigEndian64(out, checkpoint.position.value());
  AppendBigEndian64(out, checkpoint.events);
  out.append(reinterpret_cast<const char*>(checkpoint.tip.data()), checkpoint.tip.size());
  AppendLengthPrefixed(out, checkpoint.parked);
  if (!checkpoint.cursor.empty()) AppendLengthPrefixed(out, checkpoint.cursor);
  return out;
}

absl::StatusOr<Checkpoint> DecodeCheckpoint(std::string_view bytes) {
  if (bytes.empty()) return absl::DataLossError("the checkpoint is empty");
  if (bytes[0] != kWithoutCursor && bytes[0] != kWithCursor) {
    return absl::FailedPreconditionError(absl::StrCat("the checkpoint is of format ", static_cast<int>(bytes[0]),
                                                      ", this program knows 1 and 2",
                                                      ": a newer program wrote it; start that one, or rebuild"));
  }
  if (bytes.size() < kFixedSize) return absl::DataLossError("the checkpoint is cut");
  Checkpoint out;
  out.position = Position(ReadBigEndian64(bytes.data() + 1));
  out.events = ReadBigEndian64(bytes.data() + 9);
  std::copy_n(bytes.begin() + 17, out.tip.size(), reinterpret_cast<char*>(out.tip.data()));
  std::string_view rest = bytes.substr(kFixedSize);
  std::string_view parked;
  std::string_view cursor;
  const bool whole = ConsumeLengthPrefixed(rest, parked) &&
                     (bytes[0] == kWithoutCursor || (ConsumeLengthPrefixed(rest, cursor) && !cursor.empty()));
  if (!whole || !rest.empty()) return absl::DataLossError("the checkpoint is damaged");
  out.parked = parked;
  out.cursor = cursor;
  return out;
}

}  // namespace daybook::projection::internal
