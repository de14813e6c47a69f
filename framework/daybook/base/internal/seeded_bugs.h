#ifndef DAYBOOK_BASE_INTERNAL_SEEDED_BUGS_H_
#define DAYBOOK_BASE_INTERNAL_SEEDED_BUGS_H_

#include <atomic>
#include <string_view>

// Known bugs that can be put back, to show that the tests see them: docs/reference/seeded-bugs.md lists them. Code asks
// whether one is on; only testing/seeded_bug.h puts one on.
//
//   if (internal::SeededBug("ack_before_sync")) [[unlikely]] Answer(batch);
//
// Thread safety: every function from any thread. Cost while none is on: one relaxed load.
namespace daybook::internal {

extern std::atomic<bool> seeded_bugs_on;
bool FindSeededBug(std::string_view name);
void AddSeededBug(std::string_view name);
void RemoveSeededBug(std::string_view name);

inline bool SeededBug(std::string_view name) {
  return seeded_bugs_on.load(std::memory_order_relaxed) && FindSeededBug(name);
}

}  // namespace daybook::internal

#endif  // DAYBOOK_BASE_INTERNAL_SEEDED_BUGS_H_
