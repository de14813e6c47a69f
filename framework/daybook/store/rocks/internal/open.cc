#include "daybook/store/rocks/internal/open.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/store/rocks/internal/committed_mark.h"

namespace daybook::store::internal {
namespace {

absl::Status OpenError(const rocksdb::Status& status, const std::string& path, const RocksLogger& logger) {
  const std::string text = status.ToString();
  if (status.IsIOError() && absl::StrContains(text, "lock") && absl::StrContains(text, "LOCK")) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": another process, or this one, has the store open. Stop it first. ", text));
  }
  const std::string warning = logger.last_warning();
  const std::string hint = warning.empty() ? "" : absl::StrCat(" (", warning, ")");
  if (status.IsCorruption() || status.IsPathNotFound()) {
    return absl::DataLossError(
        absl::StrCat(path, ": damaged: ", text, hint, ". Restore a backup, or keep the directory for an analysis"));
  }
  if (status.IsInvalidArgument()) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": written by another kind or version of store: ", text, hint));
  }
  return Annotate(FromRocks(status, path), "cannot open");
}

bool IsDataFile(std::string_view name) {
  const auto ends_with = [&](std::string_view end) { return name.ends_with(end); };
  return ends_with(".sst") || ends_with(".log") || name == CommittedMark::kFileName;
}

}  // namespace

void OpenDatabase::Close() {
  if (db == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* family : families) {
    const rocksdb::Status status = db->DestroyColumnFamilyHandle(family);
    if (!status.ok()) Log(LogLevel::kWarning, "closing a column family", {{"error", status.ToString()}});
  }
  families.clear();
  const rocksdb::Status status = db->Close();
  if (!status.ok()) Log(LogLevel::kWarning, "closing the database", {{"error", status.ToString()}});
  db.reset();
}

absl::StatusOr<bool> PrepareDirectory(rocksdb::FileSystem& file_system, const std::string& path) {
  if (path.empty()) return absl::InvalidArgumentError("the store's path is empty");
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return absl::UnavailableError(absl::StrCat(path, ": cannot create the directory: ", error.message()));
  std::vector<std::string> names;
  const rocksdb::IOStatus listed = file_system.GetChildren(path, rocksdb::IOOptions(), &names, nullptr);
  if (!listed.ok()) return FromRocks(listed, path);
  std::string data_file;
  for (const std::string& name : names) {
    if (name == "CURRENT") return true;
    if (IsDataFile(name)) data_file = name;
  }
  if (data_file.empty()) return false;
  return absl::DataLossError(
      absl::StrCat(path, "/CURRENT is missing although ", data_file, " is there: restore a backup"));
}

absl::StatusOr<std::vector<std::string>> ListFamilies(const rocksdb::DBOptions& options, const std::string& path) {
  std::vector<std::string> names;
  const rocksdb::Status status = rocksdb::DB::ListColumnFamilies(options, path, &names);
  if (!status.ok()) return OpenError(status, path, RocksLogger(path));
  return names;
}

absl::StatusOr<OpenDatabase> OpenFamilies(const rocksdb::DBOptions& options,
                                          std::shared_ptr<rocksdb::FileSystem> file_system, const std::string& path,
                                          const std::vector<rocksdb::ColumnFamilyDescriptor>& families) {
  OpenDatabase opened;
  opened.env = rocksdb::NewCompositeEnv(std::move(file_system));
  opened.logger = std::make_shared<RocksLogger>(path);
  rocksdb::DBOptions with_env = options;
  with_env.env = opened.env.get();
  with_env.info_log = opened.logger;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(with_env, path, families, &opened.families, &db);
  if (!status.ok()) return OpenError(status, path, *opened.logger);
  opened.db.reset(db);
  return opened;
}

}  // namespace daybook::store::internal
