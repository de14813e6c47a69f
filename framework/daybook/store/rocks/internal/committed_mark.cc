#include "daybook/store/rocks/internal/committed_mark.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/store/rocks/internal/format.h"
#include "daybook/store/rocks/internal/rocks_status.h"

namespace daybook::store::internal {
namespace {

constexpr std::string_view kSlotKey = "acknowledged";
constexpr std::size_t kSlotSize = 8 + kSealSize;

absl::Status CreateIfMissing(rocksdb::FileSystem& file_system, const std::string& name) {
  if (file_system.FileExists(name, rocksdb::IOOptions(), nullptr).ok()) return absl::OkStatus();
  std::unique_ptr<rocksdb::FSWritableFile> created;
  rocksdb::IOStatus status = file_system.NewWritableFile(name, rocksdb::FileOptions(), &created, nullptr);
  if (status.ok()) status = created->Close(rocksdb::IOOptions(), nullptr);
  return FromRocks(status, name);
}

}  // namespace

absl::StatusOr<CommittedMark> CommittedMark::Open(std::shared_ptr<rocksdb::FileSystem> file_system,
                                                  const std::string& path) {
  const std::string name = absl::StrCat(path, "/", kFileName);
  DAYBOOK_RETURN_IF_ERROR(CreateIfMissing(*file_system, name));
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  rocksdb::IOStatus status = file_system->NewRandomRWFile(name, rocksdb::FileOptions(), &file, nullptr);
  std::array<char, 2 * kSlotSize> scratch;
  rocksdb::Slice content;
  if (status.ok()) status = file->Read(0, scratch.size(), rocksdb::IOOptions(), &content, scratch.data(), nullptr);
  if (!status.ok()) return FromRocks(status, name);

  std::optional<std::uint64_t> number;
  for (std::size_t at = 0; at + kSlotSize <= content.size(); at += kSlotSize) {
    const auto slot = ParseNumberValue(kSlotKey, ToView(content).substr(at, kSlotSize));
    if (slot) number = std::max(number.value_or(0), *slot);
  }
  const std::string_view bytes = ToView(content);
  if (!number && bytes.find_first_not_of('\0') != std::string_view::npos && bytes.size() == scratch.size()) {
    return absl::DataLossError(absl::StrCat(name,
                                            ": both slots are damaged. If the log is known to be whole, remove "
                                            "the file: it only guards against a log cut short"));
  }
  return CommittedMark(std::move(file_system), std::move(file), number.value_or(0));
}

void CommittedMark::Set(std::uint64_t number) {
  number_ = number;
  if (file_ == nullptr) return;
  const std::string slot = NumberValue(kSlotKey, number);
  const rocksdb::IOStatus status = file_->Write(number % 2 * kSlotSize, ToSlice(slot), rocksdb::IOOptions(), nullptr);
  if (status.ok()) return;
  file_.reset();
  Log(LogLevel::kWarning, "the mark of acknowledged batches is not written any more", {{"error", status.ToString()}});
}

void CommittedMark::Sync() {
  if (file_ == nullptr) return;
  const rocksdb::IOStatus status = file_->Sync(rocksdb::IOOptions(), nullptr);
  if (!status.ok())
    Log(LogLevel::kWarning, "the mark of acknowledged batches was not synced", {{"error", status.ToString()}});
}

}  // namespace daybook::store::internal
