#ifndef DAYBOOK_STORE_ROCKS_INTERNAL_COMMITTED_MARK_H_
#define DAYBOOK_STORE_ROCKS_INTERNAL_COMMITTED_MARK_H_

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace daybook::store::internal {

// A small file beside the database that remembers the last batch whose sync returned, so that an open finds out if the
// write-ahead log has lost an acknowledged suffix, however plausible what is left looks. It is written after each sync
// and not synced itself: it may lag after a crash of the machine, and then proves less, but it never runs ahead.
//
// Layout: two slots of {number, checksum}, written in turn, so that a torn write leaves the other one.
// Thread safety: one thread at a time.
class CommittedMark {
 public:
  static constexpr char kFileName[] = "ACKNOWLEDGED";

  // Opens or creates the file. kDataLoss naming it if it has content but no valid slot.
  static absl::StatusOr<CommittedMark> Open(std::shared_ptr<rocksdb::FileSystem> file_system, const std::string& path);

  // The highest number remembered; 0 = none.
  std::uint64_t number() const { return number_; }

  // Remembers `number`. After an error it does nothing any more: an old mark is never wrong.
  void Set(std::uint64_t number);

  // Makes the mark itself durable.
  void Sync();

 private:
  CommittedMark(std::shared_ptr<rocksdb::FileSystem> file_system, std::unique_ptr<rocksdb::FSRandomRWFile> file,
                std::uint64_t number)
      : file_system_(std::move(file_system)), file_(std::move(file)), number_(number) {}

  std::shared_ptr<rocksdb::FileSystem> file_system_;
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;  // null after an error
  std::uint64_t number_;
};

}  // namespace daybook::store::internal

#endif  // DAYBOOK_STORE_ROCKS_INTERNAL_COMMITTED_MARK_H_
