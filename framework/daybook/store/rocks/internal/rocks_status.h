#ifndef DAYBOOK_STORE_ROCKS_INTERNAL_ROCKS_STATUS_H_
#define DAYBOOK_STORE_ROCKS_INTERNAL_ROCKS_STATUS_H_

#include <rocksdb/env.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include <atomic>
#include <cstdarg>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace daybook::store::internal {

inline rocksdb::Slice ToSlice(std::string_view s) { return rocksdb::Slice(s.data(), s.size()); }
inline std::string_view ToView(const rocksdb::Slice& s) { return std::string_view(s.data(), s.size()); }

// What a RocksDB status means here: damage kDataLoss, a full disk kResourceExhausted, other I/O kUnavailable, the rest
// kInternal. `place` comes first in the message.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view place);

// Keeps RocksDB's last warning, which names the file where the status of a failed recovery does not, and hands errors
// to the log. Thread safety: every method from any thread.
class RocksLogger : public rocksdb::Logger {
 public:
  explicit RocksLogger(std::string path) : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), path_(std::move(path)) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override { Logv(rocksdb::INFO_LEVEL, format, arguments); }
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list arguments) override;

  std::string last_warning() const;

 private:
  const std::string path_;
  mutable absl::Mutex mu_;
  std::string last_warning_ ABSL_GUARDED_BY(mu_);
};

// The first error of a store that makes every later write fail. Thread safety: every method from any thread.
class Poison {
 public:
  explicit Poison(std::string path) : path_(std::move(path)) {}

  // OK, or kUnavailable with the first error.
  absl::Status Check() const;
  // Takes effect once; later errors follow from the first.
  void Set(const absl::Status& error);

 private:
  const std::string path_;
  std::atomic<bool> set_{false};
  mutable absl::Mutex mu_;
  absl::Status first_ ABSL_GUARDED_BY(mu_);
};

// Poisons a store when RocksDB fails in the background, so that it shows before the next write.
class PoisonListener : public rocksdb::EventListener {
 public:
  explicit PoisonListener(Poison& poison) : poison_(poison) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override;

 private:
  Poison& poison_;
};

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_ROCKS_INTERNAL_ROCKS_STATUS_H_
