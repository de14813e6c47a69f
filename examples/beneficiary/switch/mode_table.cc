#include "beneficiary/switch/mode_table.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "beneficiary/switch/internal/modes_json.h"
#include "daybook/base/log.h"
#include "daybook/base/status.h"
#include "daybook/base/strings.h"

namespace beneficiary::switching {

using daybook::ToAbsl;

namespace {

absl::Status SystemError(std::string_view step, const std::string& path) {
  const std::string why = std::generic_category().message(errno);
  return absl::UnavailableError(absl::StrCat(ToAbsl(step), " ", path, ": ", why));
}

absl::Status WriteAll(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t size = write(file, bytes.data(), bytes.size());
    if (size < 0 && errno != EINTR) return SystemError("write", path);
    if (size > 0) bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return fsync(file) == 0 ? absl::OkStatus() : SystemError("sync", path);
}

absl::Status ReplaceFile(const std::string& directory, const std::string& path, std::string_view bytes) {
  const std::string next = path + ".next";
  const int file = open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (file < 0) return SystemError("open", next);
  const absl::Status written = WriteAll(file, bytes, next);
  close(file);
  DAYBOOK_RETURN_IF_ERROR(written);
  if (rename(next.c_str(), path.c_str()) != 0) return SystemError("rename to", path);
  const int folder = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return SystemError("open", directory);
  const bool synced = fsync(folder) == 0;
  close(folder);
  return synced ? absl::OkStatus() : SystemError("sync", directory);
}

// nullopt: there is no such file.
absl::StatusOr<std::optional<std::string>> ReadFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return std::optional<std::string>();
  if (file < 0) return SystemError("open", path);
  const absl::Cleanup closing = [file] { close(file); };
  std::string text;
  std::array<char, 16 << 10> bytes;
  while (true) {
    const ssize_t size = read(file, bytes.data(), bytes.size());
    if (size == 0) return std::optional<std::string>(std::move(text));
    if (size < 0 && errno != EINTR) return SystemError("read", path);
    if (size > 0) text.append(bytes.data(), static_cast<std::size_t>(size));
  }
}

bool IsPrintable(std::string_view text) {
  return daybook::IsValidUtf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

absl::Status CheckRequest(const ModeChangeRequest& request) {
  if (request.client.empty() && !request.to) return absl::InvalidArgumentError("there is always a mode for all");
  if (request.client.size() > 64 || !IsPrintable(request.client)) {
    return absl::InvalidArgumentError("a client's name has at most 64 printable characters");
  }
  for (const std::string* text : {&request.by, &request.reason}) {
    if (text->size() > ModeTable::kTextBytesMax || !IsPrintable(*text)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"by\" and \"reason\" have at most ", ModeTable::kTextBytesMax, " printable bytes"));
    }
  }
  return absl::OkStatus();
}

// What `request` makes of `before`.
absl::StatusOr<Modes> Changed(const Modes& before, const ModeChangeRequest& request, daybook::Timestamp now) {
  Modes after = before;
  ModeChange change{now, request.client, before.for_all, request.to, request.by, request.reason};
  if (request.client.empty()) {
    after.for_all = *request.to;
  } else {
    const auto own = before.for_clients.find(request.client);
    change.from = own == before.for_clients.end() ? std::nullopt : std::optional<Mode>(own->second);
    if (request.to) {
      after.for_clients[request.client] = *request.to;
    } else {
      after.for_clients.erase(request.client);
    }
  }
  if (after.for_clients.size() > ModeTable::kClientsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(ModeTable::kClientsMax, " clients have a mode of their own: change the mode for all instead"));
  }
  ++after.change_count;
  after.changes.push_back(std::move(change));
  if (after.changes.size() > ModeTable::kChangesKept) after.changes.erase(after.changes.begin());
  return after;
}

}  // namespace

struct ModeTable::Impl {
  Impl(std::string in, const daybook::Clock& of)
      : directory(std::move(in)), path(directory + "/modes.json"), clock(of) {}
  ~Impl() {
    if (lock_file >= 0) close(lock_file);
  }

  const std::string directory;
  const std::string path;
  const daybook::Clock& clock;
  int lock_file = -1;

  absl::Mutex writing;  // held over a change; never by readers
  mutable absl::Mutex mu;
  std::shared_ptr<const Modes> current ABSL_GUARDED_BY(mu);
};

ModeTable::ModeTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ModeTable::~ModeTable() = default;

absl::StatusOr<std::unique_ptr<ModeTable>> ModeTable::Open(const std::string& directory, Mode initial,
                                                           const daybook::Clock& clock) {
  auto impl = std::make_unique<Impl>(directory, clock);
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (failed) return absl::UnavailableError(absl::StrCat("create ", directory, ": ", failed.message()));
  const std::string lock = directory + "/lock";
  impl->lock_file = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (impl->lock_file < 0) return SystemError("open", lock);
  if (flock(impl->lock_file, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(directory, " belongs to another process: give this one its own"));
  }
  DAYBOOK_ASSIGN_OR_RETURN(const std::optional<std::string> text, ReadFile(impl->path));
  Modes modes;
  modes.for_all = initial;
  if (text) {
    absl::StatusOr<Modes> read = internal::ModesFromJson(*text);
    if (!read.ok()) {
      const absl::Status named = daybook::Annotate(read.status(), impl->path);
      return absl::Status(named.code(),
                          absl::StrCat(named.message(), "; mend or remove it (without it, --initial_mode counts)"));
    }
    modes = *std::move(read);
  }
  {
    absl::MutexLock lock_current(&impl->mu);
    impl->current = std::make_shared<const Modes>(std::move(modes));
  }
  return std::unique_ptr<ModeTable>(new ModeTable(std::move(impl)));
}

std::shared_ptr<const Modes> ModeTable::Current() const {
  absl::MutexLock lock(&impl_->mu);
  return impl_->current;
}

absl::StatusOr<std::shared_ptr<const Modes>> ModeTable::Change(const ModeChangeRequest& request) {
  DAYBOOK_RETURN_IF_ERROR(CheckRequest(request));
  absl::MutexLock writing(&impl_->writing);
  const std::shared_ptr<const Modes> before = Current();
  if (request.if_change_count && *request.if_change_count != before->change_count) {
    return absl::AbortedError("the modes have been changed by somebody else: look again");
  }
  DAYBOOK_ASSIGN_OR_RETURN(Modes changed, Changed(*before, request, impl_->clock.Now()));
  const std::string text = boost::json::serialize(internal::ModesToJson(changed)) + "\n";
  DAYBOOK_RETURN_IF_ERROR(ReplaceFile(impl_->directory, impl_->path, text));
  auto after = std::make_shared<const Modes>(std::move(changed));
  const ModeChange& change = after->changes.back();
  const auto name = [](const std::optional<Mode>& mode) { return std::string(mode ? ModeName(*mode) : "-"); };
  daybook::Log(daybook::LogLevel::kInfo, "the mode has changed",
               {{"client", change.client.empty() ? "(all)" : change.client},
                {"from", name(change.from)},
                {"to", name(change.to)},
                {"by", change.by},
                {"reason", change.reason}});
  absl::MutexLock lock(&impl_->mu);
  impl_->current = after;
  return after;
}

}  // namespace beneficiary::switching
