#include "daybook/projection/internal/checkpoint.h"

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/strings.h"

namespace daybook::projection::internal {

namespace {
constexpr char kFormat = 1;
constexpr std::size_t kFixedSize = 1 + 8 + 8 + 16;
}  // namespace

LogTip TipOf(const store::EventView& event) {
  std::string bytes;
  bytes.reserve(event.stream.size() + event.envelope.size() + 32);
  AppendLengthPrefixed(bytes, event.stream);
  AppendBigEndian64(bytes, event.revision.value());
  AppendBigEndian64(bytes, event.position.value());
  bytes.append(event.envelope);
  return Hash128(bytes);
}

std::string EncodeCheckpoint(const Checkpoint& checkpoint) {
  std::string out(1, kFormat);
  AppendBigEndian64(out, checkpoint.position.value());
  AppendBigEndian64(out, checkpoint.events);
  out.append(reinterpret_cast<const char*>(checkpoint.tip.data()), checkpoint.tip.size());
  AppendLengthPrefixed(out, checkpoint.parked);
  return out;
}

absl::StatusOr<Checkpoint> DecodeCheckpoint(std::string_view bytes) {
  if (bytes.empty()) return absl::DataLossError("the checkpoint is empty");
  if (bytes[0] != kFormat) {
    return absl::FailedPreconditionError(absl::StrCat("the checkpoint is of format ", static_cast<int>(bytes[0]),
                                                      ", this program knows ", static_cast<int>(kFormat),
                                                      ": a newer program wrote it; start that one, or rebuild"));
  }
  if (bytes.size() < kFixedSize) return absl::DataLossError("the checkpoint is cut");
  Checkpoint out;
  out.position = Position(ReadBigEndian64(bytes.data() + 1));
  out.events = ReadBigEndian64(bytes.data() + 9);
  std::copy_n(bytes.begin() + 17, out.tip.size(), reinterpret_cast<char*>(out.tip.data()));
  std::string_view rest = bytes.substr(kFixedSize);
  std::string_view parked;
  if (!ConsumeLengthPrefixed(rest, parked) || !rest.empty()) return absl::DataLossError("the checkpoint is damaged");
  out.parked = parked;
  return out;
}

}  // namespace daybook::projection::internal
