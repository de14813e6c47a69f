#include "harness/closed_loop.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include "absl/synchronization/mutex.h"

namespace daybook::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

// One slot per piece in flight: a slot has one piece of work at a time, so its samples need no lock.
struct Loop {
  struct Slot {
    SteadyClock::time_point started;
    std::vector<float> latencies_us;
  };

  const StartWork& start;
  SteadyClock::time_point end;
  std::atomic<std::uint64_t> next;
  std::atomic<std::uint64_t> finished{0};
  std::atomic<std::uint64_t> errors{0};
  std::vector<Slot> slots;
  absl::Mutex mu;
  int open = 0;

  void Begin(int slot) {
    slots[slot].started = SteadyClock::now();
    start(next.fetch_add(1, std::memory_order_relaxed), [this, slot](bool ok) { Finish(slot, ok); });
  }

  void Finish(int slot, bool ok) {
    const auto now = SteadyClock::now();
    Slot& s = slots[slot];
    s.latencies_us.push_back(std::chrono::duration<float, std::micro>(now - s.started).count());
    finished.fetch_add(1, std::memory_order_relaxed);
    if (!ok) errors.fetch_add(1, std::memory_order_relaxed);
    if (now < end) {
      Begin(slot);
      return;
    }
    absl::MutexLock lock(&mu);
    --open;
  }
};

}  // namespace

LoopResult RunClosedLoop(std::uint64_t first, int in_flight, absl::Duration duration, const StartWork& start) {
  Loop loop{start, SteadyClock::now() + absl::ToChronoNanoseconds(duration), {first}};
  loop.slots.resize(in_flight);
  loop.open = in_flight;
  const auto began = SteadyClock::now();
  for (int slot = 0; slot < in_flight; ++slot) loop.Begin(slot);
  {
    absl::MutexLock lock(&loop.mu);
    loop.mu.Await(absl::Condition(
        +[](int* open) { return *open == 0; }, &loop.open));
  }
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - began).count();
  std::vector<float> all;
  for (const Loop::Slot& slot : loop.slots) all.insert(all.end(), slot.latencies_us.begin(), slot.latencies_us.end());
  LoopResult result;
  result.per_second = static_cast<double>(loop.finished) / seconds;
  result.errors = loop.errors;
  if (!all.empty()) {
    const auto at = [&](double share) {
      auto it = all.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(all.size() - 1));
      std::nth_element(all.begin(), it, all.end());
      return static_cast<double>(*it);
    };
    result.p50_us = at(0.5);
    result.p99_us = at(0.99);
  }
  return result;
}

}  // namespace daybook::bench
