#include "daybook/observe/shutdown_signal.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"

namespace daybook::observe {
namespace {

constexpr std::array kSignals = {SIGTERM, SIGINT};

// The event that the handler raises (-1: none), and when it first did (0: not yet). A handler may touch nothing else.
std::atomic<int> installed_event = -1;
std::atomic<std::int64_t> first_signal_ns = 0;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<std::int64_t>::is_always_lock_free);

const std::int64_t kOneAskingNs = absl::ToInt64Nanoseconds(ShutdownSignal::kOneAsking);

void RaiseEvent(int event) {
  const std::uint64_t one = 1;
  // Only a full counter fails, and that is raised already.
  [[maybe_unused]] const ssize_t written = write(event, &one, sizeof(one));
}

extern "C" void OnSignal(int signal) {
  const int saved = errno;
  // Nothing but a system call that a handler may make: Install has made the clock.
  const std::int64_t now = absl::ToInt64Nanoseconds(MonotonicNow());
  std::int64_t first = 0;
  if (first_signal_ns.compare_exchange_strong(first, now)) {
    RaiseEvent(installed_event.load(std::memory_order_relaxed));
  } else if (now - first >= kOneAskingNs) {
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;
    sigaction(signal, &by_default, nullptr);
    raise(signal);  // taken when this handler returns
  }
  errno = saved;
}

}  // namespace

struct ShutdownSignal::Impl {
  int event = -1;
  std::array<struct sigaction, kSignals.size()> earlier{};
  struct sigaction earlier_pipe {};
};

ShutdownSignal::ShutdownSignal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<ShutdownSignal>> ShutdownSignal::Install() {
  auto impl = std::make_unique<Impl>();
  impl->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (impl->event < 0) return absl::InternalError(absl::StrCat("eventfd: ", std::strerror(errno)));
  int none = -1;
  if (!installed_event.compare_exchange_strong(none, impl->event)) {
    close(impl->event);
    return absl::FailedPreconditionError("a ShutdownSignal is installed already");
  }
  MonotonicNow();
  first_signal_ns = 0;
  struct sigaction action {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &impl->earlier[i]);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &impl->earlier_pipe);
  return std::unique_ptr<ShutdownSignal>(new ShutdownSignal(std::move(impl)));
}

ShutdownSignal::~ShutdownSignal() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &impl_->earlier[i], nullptr);
  sigaction(SIGPIPE, &impl_->earlier_pipe, nullptr);
  installed_event = -1;
  close(impl_->event);
}

void ShutdownSignal::Wait() {
  while (!WaitFor(absl::Hours(1))) {
  }
}

bool ShutdownSignal::WaitFor(absl::Duration limit) {
  const absl::Duration deadline = MonotonicNow() + limit;
  while (true) {
    const auto left_ms = absl::ToInt64Milliseconds(deadline - MonotonicNow());
    const auto wait_ms = std::clamp<std::int64_t>(left_ms, 0, std::numeric_limits<int>::max());
    // The event is never read, so it stays raised for every waiter.
    pollfd waiting{impl_->event, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(wait_ms));
    if (ready > 0) return true;
    if (ready == 0 && left_ms <= 0) return false;
  }
}

void ShutdownSignal::Raise() { RaiseEvent(impl_->event); }

}  // namespace daybook::observe
