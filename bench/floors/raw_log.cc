#include "floors/raw_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "daybook/base/check.h"

namespace daybook::bench {

struct RawLog::Impl {
  absl::Mutex mu;
  std::string waiting;
  std::vector<std::function<void(bool)>> handlers;
  bool stopping = false;
  int fd = -1;
  std::jthread writer;

  bool Ready() const { return stopping || !handlers.empty(); }

  void Run() {
    std::string bytes;
    std::vector<std::function<void(bool)>> batch;
    while (true) {
      {
        absl::MutexLock lock(&mu);
        mu.Await(absl::Condition(this, &Impl::Ready));
        if (handlers.empty()) return;
        bytes.clear();
        batch.clear();
        std::swap(bytes, waiting);
        std::swap(batch, handlers);
      }
      const bool ok = write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && fdatasync(fd) == 0;
      for (auto& done : batch) done(ok);
    }
  }
};

RawLog::RawLog(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->fd = open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_TRUNC, 0644);
  DAYBOOK_CHECK(impl_->fd >= 0, "cannot open the raw log");
  impl_->writer = std::jthread([impl = impl_.get()] { impl->Run(); });
}

RawLog::~RawLog() {
  {
    absl::MutexLock lock(&impl_->mu);
    impl_->stopping = true;
  }
  impl_->writer.join();
  close(impl_->fd);
}

void RawLog::Append(std::string_view bytes, std::function<void(bool ok)> done) {
  absl::MutexLock lock(&impl_->mu);
  impl_->waiting.append(bytes);
  impl_->handlers.push_back(std::move(done));
}

}  // namespace daybook::bench
