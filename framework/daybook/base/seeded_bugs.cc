#include "daybook/base/internal/seeded_bugs.h"

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daybook/base/strings.h"

namespace daybook::internal {
namespace {

struct Bugs {
  absl::Mutex mu;
  StringSet names ABSL_GUARDED_BY(mu);
};

Bugs& TheBugs() {
  static Bugs* const bugs = new Bugs();  // lives for ever: threads may still ask while the process ends
  return *bugs;
}

}  // namespace

std::atomic<bool> seeded_bugs_on{false};

bool FindSeededBug(std::string_view name) {
  Bugs& bugs = TheBugs();
  absl::MutexLock lock(&bugs.mu);
  return bugs.names.contains(name);
}

void AddSeededBug(std::string_view name) {
  Bugs& bugs = TheBugs();
  absl::MutexLock lock(&bugs.mu);
  bugs.names.insert(std::string(name));
  seeded_bugs_on.store(true);
}

void RemoveSeededBug(std::string_view name) {
  Bugs& bugs = TheBugs();
  absl::MutexLock lock(&bugs.mu);
  bugs.names.erase(std::string(name));
  seeded_bugs_on.store(!bugs.names.empty());
}

}  // namespace daybook::internal
