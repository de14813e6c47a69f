#ifndef DAYBOOK_TESTING_FAULT_FILE_SYSTEM_H_
#define DAYBOOK_TESTING_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace daybook::testing {

// What is left of bytes that were written but not synced when the power fails.
enum class Unsynced {
  kLost,    // nothing
  kTorn,    // some beginning of them
  kGarbled  // all of their length, but from some place on other bytes
};

// A file system for the stores on disk that loses what was not synced, fails syncs and fills up. Only this shows what
// is durable: killing a process does not, since the page cache survives it.
//
//   FaultFileSystem faults;
//   auto store = store::OpenRocksEventStoreOn(faults.file_system(), options);   // store/rocks/rocks_file_system.h
//   … append …
//   faults.PowerOff();       // nothing reaches the disk any more
//   store->reset();
//   faults.PowerOn(Unsynced::kLost);
//   … open again: what was acknowledged is there …
//
// Thread safety: every method from any thread; PowerOn when no store is open.
// Nothing is synced to the real disk: what is durable is simulated.
// Invariants: a synced byte is never lost; a file's creation, renaming and removal count as durable at once.
class FaultFileSystem {
 public:
  // Files that were there before count as synced.
  FaultFileSystem();
  ~FaultFileSystem();

  std::shared_ptr<rocksdb::FileSystem> file_system() const;

  // From now on every write, sync and change of the directory fails with an I/O error.
  void PowerOff();

  // Takes back what was not synced, as `unsynced` says (`seed` decides where), and lets writes through again.
  void PowerOn(Unsynced unsynced, std::uint64_t seed = 0);

  // Makes the `nth` sync from now (1 = the next) of a file whose name ends with `suffix` fail with EIO; once.
  void FailSync(int nth, std::string_view suffix = ".log");

  // Calls `observer` at every sync of a file whose name ends with ".log", before it has any effect; null = no more.
  void ObserveSyncs(std::function<void()> observer);

  // Lets writes take `bytes` more; then they fail with ENOSPC. nullopt = as much as there is.
  void SetSpaceLeft(std::optional<std::uint64_t> bytes);

  // How many syncs of files whose name ends with `suffix` have gone through.
  std::uint64_t syncs(std::string_view suffix = ".log") const;

 private:
  class Disk;
  class SyncedDirectory;
  class SyncedFile;
  class SyncedRandomFile;
  class System;

  std::shared_ptr<Disk> disk_;
  std::shared_ptr<System> system_;
};

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_FAULT_FILE_SYSTEM_H_
