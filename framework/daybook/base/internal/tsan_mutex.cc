// Compiled into base/ under ThreadSanitizer only. Debian's Abseil is not instrumented: the sanitizer does not see
// absl::Mutex synchronise, and calls whatever it guards a race. These definitions stand before the library's own: they
// tell the sanitizer, and call the library's.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <string>
#include <string_view>

#include "absl/base/options.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
}

namespace {

enum class Mode { kWrite, kRead };

unsigned FlagsOf(Mode mode) { return mode == Mode::kRead ? __tsan_mutex_read_lock : 0u; }

#define DAYBOOK_TEXT_(x) #x
#define DAYBOOK_TEXT(x) DAYBOOK_TEXT_(x)

// The library's function behind ours: `begin` _ZN or _ZNK, then absl, its inline name space, and `what`, as mangled.
template <class Function>
Function* Next(std::string_view begin, std::string_view what) {
  const std::string name_space = DAYBOOK_TEXT(ABSL_OPTION_INLINE_NAMESPACE_NAME);
  const std::string symbol =
      std::string(begin) + "4absl" + std::to_string(name_space.size()) + name_space + std::string(what);
  void* found = dlsym(RTLD_NEXT, symbol.c_str());
  if (found == nullptr) __builtin_trap();
  return reinterpret_cast<Function*>(found);
}

// The library's functions call each other through these definitions: only the outermost one tells the sanitizer.
thread_local int depth = 0;

template <class Call>
auto Inside(Call call) {
  ++depth;
  const auto result = call();
  --depth;
  return result;
}

template <class Call>
bool Locking(void* mu, Mode mode, Call call) {
  if (depth > 0) return call();
  __tsan_mutex_pre_lock(mu, FlagsOf(mode));
  const bool result = Inside(call);
  __tsan_mutex_post_lock(mu, FlagsOf(mode), 0);
  return result;
}

template <class Call>
bool TryLocking(void* mu, Mode mode, Call call) {
  if (depth > 0) return call();
  __tsan_mutex_pre_lock(mu, FlagsOf(mode) | __tsan_mutex_try_lock);
  const bool locked = Inside(call);
  const unsigned failed = locked ? 0u : __tsan_mutex_try_lock_failed;
  __tsan_mutex_post_lock(mu, FlagsOf(mode) | __tsan_mutex_try_lock | failed, 0);
  return locked;
}

template <class Call>
void Unlocking(void* mu, Mode mode, Call call) {
  if (depth > 0) return void(call());
  __tsan_mutex_pre_unlock(mu, FlagsOf(mode));
  Inside(call);
  __tsan_mutex_post_unlock(mu, FlagsOf(mode));
}

// A call that gives the mutex up for a while. It knows a writer only: nobody here waits under a reader's lock.
template <class Call>
bool Waiting(void* mu, Call call) {
  if (depth > 0) return call();
  __tsan_mutex_pre_unlock(mu, 0);
  __tsan_mutex_post_unlock(mu, 0);
  const bool result = Inside(call);
  __tsan_mutex_pre_lock(mu, 0);
  __tsan_mutex_post_lock(mu, 0, 0);
  return result;
}

}  // namespace

#define DAYBOOK_NEXT(Result, what, ...) static auto* const next = Next<Result(__VA_ARGS__)>("_ZN", what)

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  DAYBOOK_NEXT(void, "5Mutex4LockEv", Mutex*);
  Locking(this, Mode::kWrite, [&] { return next(this), true; });
}

void Mutex::Unlock() {
  DAYBOOK_NEXT(void, "5Mutex6UnlockEv", Mutex*);
  Unlocking(this, Mode::kWrite, [&] { return next(this), true; });
}

bool Mutex::TryLock() {
  DAYBOOK_NEXT(bool, "5Mutex7TryLockEv", Mutex*);
  return TryLocking(this, Mode::kWrite, [&] { return next(this); });
}

void Mutex::ReaderLock() {
  DAYBOOK_NEXT(void, "5Mutex10ReaderLockEv", Mutex*);
  Locking(this, Mode::kRead, [&] { return next(this), true; });
}

void Mutex::ReaderUnlock() {
  DAYBOOK_NEXT(void, "5Mutex12ReaderUnlockEv", Mutex*);
  Unlocking(this, Mode::kRead, [&] { return next(this), true; });
}

bool Mutex::ReaderTryLock() {
  DAYBOOK_NEXT(bool, "5Mutex13ReaderTryLockEv", Mutex*);
  return TryLocking(this, Mode::kRead, [&] { return next(this); });
}

void Mutex::LockWhen(const Condition& condition) {
  DAYBOOK_NEXT(void, "5Mutex8LockWhenERKNS0_9ConditionE", Mutex*, const Condition&);
  Locking(this, Mode::kWrite, [&] { return next(this, condition), true; });
}

bool Mutex::LockWhenWithDeadline(const Condition& condition, absl::Time deadline) {
  DAYBOOK_NEXT(bool, "5Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE", Mutex*, const Condition&, absl::Time);
  return Locking(this, Mode::kWrite, [&] { return next(this, condition, deadline); });
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, absl::Duration timeout) {
  DAYBOOK_NEXT(bool, "5Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE", Mutex*, const Condition&,
               absl::Duration);
  return Locking(this, Mode::kWrite, [&] { return next(this, condition, timeout); });
}

void Mutex::Await(const Condition& condition) {
  DAYBOOK_NEXT(void, "5Mutex5AwaitERKNS0_9ConditionE", Mutex*, const Condition&);
  Waiting(this, [&] { return next(this, condition), true; });
}

bool Mutex::AwaitWithTimeout(const Condition& condition, absl::Duration timeout) {
  DAYBOOK_NEXT(bool, "5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE", Mutex*, const Condition&,
               absl::Duration);
  return Waiting(this, [&] { return next(this, condition, timeout); });
}

bool Mutex::AwaitWithDeadline(const Condition& condition, absl::Time deadline) {
  DAYBOOK_NEXT(bool, "5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE", Mutex*, const Condition&, absl::Time);
  return Waiting(this, [&] { return next(this, condition, deadline); });
}

void CondVar::Wait(Mutex* mu) {
  DAYBOOK_NEXT(void, "7CondVar4WaitEPNS0_5MutexE", CondVar*, Mutex*);
  Waiting(mu, [&] { return next(this, mu), true; });
}

bool CondVar::WaitWithTimeout(Mutex* mu, absl::Duration timeout) {
  DAYBOOK_NEXT(bool, "7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE", CondVar*, Mutex*, absl::Duration);
  return Waiting(mu, [&] { return next(this, mu, timeout); });
}

bool CondVar::WaitWithDeadline(Mutex* mu, absl::Time deadline) {
  DAYBOOK_NEXT(bool, "7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE", CondVar*, Mutex*, absl::Time);
  return Waiting(mu, [&] { return next(this, mu, deadline); });
}

// A thread that unlocks evaluates the waiters' conditions for them, with the mutex still held, but already given up in
// the sanitizer's eyes.
bool Condition::Eval() const {
  static auto* const next = Next<bool(const Condition*)>("_ZNK", "9Condition4EvalEv");
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  const bool holds = next(this);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  return holds;
}

ABSL_NAMESPACE_END
}  // namespace absl
