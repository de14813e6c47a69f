// Loaded before every program of a build with DAYBOOK_DELAYS, whose functions call it when they are entered: it lets
// the calling thread wait now and then, so that what threads do meets in orders that hardly ever come otherwise.
//
// A function waits about ln(n) / 2 times in n calls, mostly for less than 3 ms and in one of five cases for up to
// 150 ms: as often where hardly anything happens as in the inner loops, so that a whole program stays usable.
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ctime>

namespace {

std::array<std::atomic<std::uint32_t>, 1 << 16> calls;  // by a hash of the function's address
std::atomic<std::uint64_t> made = 0;

// xorshift64: Marsaglia, "Xorshift RNGs", Journal of Statistical Software 8 (14), 2003. Begun anew in every thread of
// every run: with a seed, running a test again would try the same order again.
std::uint64_t Random() {
  thread_local std::uint64_t state = 0;
  if (state == 0) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto thread = static_cast<std::uint64_t>(syscall(SYS_gettid));
    state = (static_cast<std::uint64_t>(now.tv_nsec) * 0x9E3779B97F4A7C15ull) ^ (thread * 0xD1B54A32D192ED03ull) ^ 1;
  }
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

bool IsToWait(const void* function) {
  const std::uint64_t hash = reinterpret_cast<std::uintptr_t>(function) * 0x9E3779B97F4A7C15ull;
  const std::uint32_t call = ++calls[hash >> 48];
  const std::uint64_t one_in = call < 10 ? 20 : 2ull * call;
  return Random() % one_in == 0;
}

void Wait() {
  ++made;
  const std::uint64_t limit = Random() % 5 == 0 ? 150'000'000 : 3'000'000;
  timespec time{.tv_sec = 0, .tv_nsec = static_cast<long>(Random() % limit)};
  const int kept = errno;
  syscall(SYS_nanosleep, &time, nullptr);
  errno = kept;
}

}  // namespace

extern "C" {

void __cyg_profile_func_enter(void* function, void* /*caller*/) {
  if (IsToWait(function)) Wait();
}
void __cyg_profile_func_exit(void* /*function*/, void* /*caller*/) {}

std::uint64_t daybook_delays_made() { return made; }
}
