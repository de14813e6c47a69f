#include "daybook/store/rocks/internal/rocks_status.h"

#include <array>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "daybook/base/log.h"
#include "daybook/base/strings.h"

namespace daybook::store::internal {

absl::Status FromRocks(const rocksdb::Status& status, std::string_view place) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = absl::StrCat(ToAbsl(place), ": ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsNotFound()) return absl::NotFoundError(message);
  if (status.IsIOError() || status.IsBusy() || status.IsTryAgain() || status.IsTimedOut() || status.IsAborted() ||
      status.IsShutdownInProgress()) {
    return absl::UnavailableError(message);
  }
  return absl::InternalError(message);
}

void RocksLogger::Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level < rocksdb::WARN_LEVEL || level == rocksdb::HEADER_LEVEL) return;
  std::array<char, 1024> text;
  const int size = std::vsnprintf(text.data(), text.size(), format, arguments);
  if (size < 0) return;
  if (level >= rocksdb::ERROR_LEVEL) Log(LogLevel::kWarning, text.data(), {{"store", path_}});
  absl::MutexLock lock(&mu_);
  last_warning_ = text.data();
}

std::string RocksLogger::last_warning() const {
  absl::MutexLock lock(&mu_);
  return last_warning_;
}

absl::Status Poison::Check() const {
  if (!set_.load(std::memory_order_acquire)) return absl::OkStatus();
  absl::MutexLock lock(&mu_);
  return absl::UnavailableError(absl::StrCat(path_, ": writes are refused since a write failed; open the store again. ",
                                             "The first error was: ", first_.ToString()));
}

void Poison::Set(const absl::Status& error) {
  absl::MutexLock lock(&mu_);
  if (!first_.ok()) return;
  first_ = error;
  set_.store(true, std::memory_order_release);
  Log(LogLevel::kError, "store poisoned", {{"store", path_}, {"error", error.ToString()}});
}

void PoisonListener::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) {
  if (status != nullptr && !status->ok()) poison_.Set(FromRocks(*status, "in the background"));
}

}  // namespace daybook::store::internal
