#include "daybook/testing/fault_file_system.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace daybook::testing {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::uint64_t Mix(std::uint64_t seed) {
  seed = (seed ^ (seed >> 33)) * 0xff51afd7ed558ccd;
  seed = (seed ^ (seed >> 33)) * 0xc4ceb9fe1a85ec53;
  return seed ^ (seed >> 33);
}

}  // namespace

// What the disk knows of each file that was written.
class FaultFileSystem::Disk {
 public:
  // Says whether `bytes` more may be written, and takes them.
  IOStatus Take(std::uint64_t bytes) {
    absl::MutexLock lock(&mu_);
    if (off_) return IOStatus::IOError("the power is off");
    if (!space_left_) return IOStatus::OK();
    if (bytes > *space_left_) return IOStatus::NoSpace("No space left on device");
    *space_left_ -= bytes;
    return IOStatus::OK();
  }

  void Create(const std::string& path) {
    absl::MutexLock lock(&mu_);
    files_[path] = File{};
  }
  void Open(const std::string& path) {
    const std::string content = ReadFile(path);
    absl::MutexLock lock(&mu_);
    files_.try_emplace(path, File{content.size(), std::nullopt});
  }
  // A file that is overwritten in place, so that its synced content is kept whole.
  void OpenInPlace(const std::string& path) {
    const std::string content = ReadFile(path);
    absl::MutexLock lock(&mu_);
    File& file = files_.try_emplace(path).first->second;
    if (!file.image) file.image = content;
  }
  void Rename(const std::string& from, const std::string& to) {
    absl::MutexLock lock(&mu_);
    const auto found = files_.find(from);
    if (found == files_.end()) return;
    files_[to] = found->second;
    files_.erase(from);
  }
  void Remove(const std::string& path) {
    absl::MutexLock lock(&mu_);
    files_.erase(path);
  }

  // To be called before a sync of `path`, which then goes through or not.
  IOStatus BeforeSync(const std::string& path) {
    std::function<void()> observer;
    {
      absl::MutexLock lock(&mu_);
      if (path.ends_with(".log")) observer = observer_;
    }
    if (observer) observer();
    absl::MutexLock lock(&mu_);
    if (off_) return IOStatus::IOError("the power is off");
    if (fail_in_ > 0 && path.ends_with(fail_suffix_) && --fail_in_ == 0) {
      return IOStatus::IOError("Input/output error (injected) while syncing " + path);
    }
    return IOStatus::OK();
  }
  void Synced(const std::string& path, std::uint64_t size) {
    absl::MutexLock lock(&mu_);
    ++syncs_[path];
    const auto found = files_.find(path);
    if (found != files_.end()) found->second.synced = std::max(found->second.synced, size);
  }
  void SyncedInPlace(const std::string& path) {
    const std::string content = ReadFile(path);
    absl::MutexLock lock(&mu_);
    files_[path].image = content;
  }

  void PowerOff() {
    absl::MutexLock lock(&mu_);
    off_ = true;
  }
  void PowerOn(Unsynced unsynced, std::uint64_t seed) {
    absl::MutexLock lock(&mu_);
    for (const auto& [path, file] : files_) TakeBack(path, file, unsynced, Mix(++seed));
    files_.clear();
    off_ = false;
    space_left_.reset();
    fail_in_ = 0;
  }
  void FailSync(int nth, std::string_view suffix) {
    absl::MutexLock lock(&mu_);
    fail_in_ = nth;
    fail_suffix_ = suffix;
  }
  void ObserveSyncs(std::function<void()> observer) {
    absl::MutexLock lock(&mu_);
    observer_ = std::move(observer);
  }
  void SetSpaceLeft(std::optional<std::uint64_t> bytes) {
    absl::MutexLock lock(&mu_);
    space_left_ = bytes;
  }
  std::uint64_t syncs(std::string_view suffix) const {
    absl::MutexLock lock(&mu_);
    std::uint64_t sum = 0;
    for (const auto& [path, count] : syncs_) sum += path.ends_with(suffix) ? count : 0;
    return sum;
  }

 private:
  struct File {
    std::uint64_t synced = 0;          // bytes from the beginning
    std::optional<std::string> image;  // of a file written in place: what was synced
  };

  static void TakeBack(const std::string& path, const File& file, Unsynced unsynced, std::uint64_t random) {
    if (!std::filesystem::exists(path)) return;
    if (file.image) return WriteFile(path, *file.image);
    std::string content = ReadFile(path);
    if (content.size() <= file.synced) return;
    const std::uint64_t kept = unsynced == Unsynced::kLost ? 0 : random % (content.size() - file.synced);
    if (unsynced != Unsynced::kGarbled) {
      content.resize(file.synced + kept);
    } else {
      for (std::uint64_t i = file.synced + kept; i < content.size(); ++i)
        content[i] = static_cast<char>(Mix(random + i));
    }
    WriteFile(path, content);
  }

  mutable absl::Mutex mu_;
  bool off_ ABSL_GUARDED_BY(mu_) = false;
  int fail_in_ ABSL_GUARDED_BY(mu_) = 0;
  std::function<void()> observer_ ABSL_GUARDED_BY(mu_);
  std::string fail_suffix_ ABSL_GUARDED_BY(mu_);
  std::optional<std::uint64_t> space_left_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, File> files_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::uint64_t> syncs_ ABSL_GUARDED_BY(mu_);
};

// A file that is written from the beginning to the end.
class FaultFileSystem::SyncedFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  SyncedFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<Disk> disk, std::string path,
             std::uint64_t size)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(std::move(disk)), path_(std::move(path)), size_(size) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = disk_->Take(data.size());
    if (status.ok()) status = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (status.ok()) size_ += data.size();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = disk_->Take(0);
    if (status.ok()) status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    if (status.ok()) size_ = size;
    return status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const std::uint64_t size = size_;
    IOStatus status = disk_->BeforeSync(path_);
    if (status.ok()) status = Flush(options, debug);
    if (status.ok()) disk_->Synced(path_, size);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();  // a hint, which makes nothing durable
  }

 private:
  const std::shared_ptr<Disk> disk_;
  const std::string path_;
  std::uint64_t size_;
};

// A file that is overwritten in place.
class FaultFileSystem::SyncedRandomFile : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  SyncedRandomFile(std::unique_ptr<rocksdb::FSRandomRWFile> file, std::shared_ptr<Disk> disk, std::string path)
      : FSRandomRWFileOwnerWrapper(std::move(file)), disk_(std::move(disk)), path_(std::move(path)) {}

  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = disk_->Take(data.size());
    return status.ok() ? FSRandomRWFileOwnerWrapper::Write(offset, data, options, debug) : status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = disk_->BeforeSync(path_);
    if (status.ok()) status = Flush(options, debug);
    if (status.ok()) disk_->SyncedInPlace(path_);
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override { return Sync(options, debug); }

 private:
  const std::shared_ptr<Disk> disk_;
  const std::string path_;
};

// Changes of a directory count as durable at once, so that there is nothing to do.
class FaultFileSystem::SyncedDirectory : public rocksdb::FSDirectory {
 public:
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
};

class FaultFileSystem::System : public rocksdb::FileSystemWrapper {
 public:
  explicit System(std::shared_ptr<Disk> disk)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(std::move(disk)) {}

  static const char* kClassName() { return "daybook.FaultFileSystem"; }
  const char* Name() const override { return kClassName(); }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    IOStatus status = disk_->Take(0);
    if (status.ok()) status = target()->NewWritableFile(path, options, &file, debug);
    if (!status.ok()) return status;
    disk_->Create(path);
    *result = std::make_unique<SyncedFile>(std::move(file), disk_, path, 0);
    return status;
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* result, IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    IOStatus status = disk_->Take(0);
    if (status.ok()) status = target()->ReopenWritableFile(path, options, &file, debug);
    if (!status.ok()) return status;
    disk_->Open(path);
    const std::uint64_t size = file->GetFileSize(IOOptions(), debug);
    *result = std::make_unique<SyncedFile>(std::move(file), disk_, path, size);
    return status;
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* result, IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSRandomRWFile> file;
    IOStatus status = disk_->Take(0);
    if (status.ok()) status = target()->NewRandomRWFile(path, options, &file, debug);
    if (!status.ok()) return status;
    disk_->OpenInPlace(path);
    *result = std::make_unique<SyncedRandomFile>(std::move(file), disk_, path);
    return status;
  }
  IOStatus NewDirectory(const std::string&, const IOOptions&, std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext*) override {
    *result = std::make_unique<SyncedDirectory>();
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    IOStatus status = disk_->Take(0);
    if (status.ok()) status = target()->RenameFile(from, to, options, debug);
    if (status.ok()) disk_->Rename(from, to);
    return status;
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = disk_->Take(0);
    if (status.ok()) status = target()->DeleteFile(path, options, debug);
    if (status.ok()) disk_->Remove(path);
    return status;
  }
  IOStatus Truncate(const std::string& path, std::size_t size, const IOOptions& options,
                    IODebugContext* debug) override {
    const IOStatus status = disk_->Take(0);
    return status.ok() ? target()->Truncate(path, size, options, debug) : status;
  }

 private:
  const std::shared_ptr<Disk> disk_;
};

FaultFileSystem::FaultFileSystem() : disk_(std::make_shared<Disk>()), system_(std::make_shared<System>(disk_)) {}
FaultFileSystem::~FaultFileSystem() = default;

std::shared_ptr<rocksdb::FileSystem> FaultFileSystem::file_system() const { return system_; }
void FaultFileSystem::PowerOff() { disk_->PowerOff(); }
void FaultFileSystem::PowerOn(Unsynced unsynced, std::uint64_t seed) { disk_->PowerOn(unsynced, seed); }
void FaultFileSystem::FailSync(int nth, std::string_view suffix) { disk_->FailSync(nth, suffix); }
void FaultFileSystem::ObserveSyncs(std::function<void()> observer) { disk_->ObserveSyncs(std::move(observer)); }
void FaultFileSystem::SetSpaceLeft(std::optional<std::uint64_t> bytes) { disk_->SetSpaceLeft(bytes); }
std::uint64_t FaultFileSystem::syncs(std::string_view suffix) const { return disk_->syncs(suffix); }

}  // namespace daybook::testing
