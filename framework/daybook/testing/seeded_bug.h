#ifndef DAYBOOK_TESTING_SEEDED_BUG_H_
#define DAYBOOK_TESTING_SEEDED_BUG_H_

#include <string>
#include <string_view>

#include "daybook/base/internal/seeded_bugs.h"

namespace daybook::testing {

// Puts a known bug back while it lives, to show that a test sees it. docs/reference/seeded-bugs.md lists the names.
//
//   const SeededBug bug("ack_before_sync");
//   EXPECT_FALSE(AckedWritesSurvive());
//
// Thread safety: as any value; the bug is on for the whole process.
class SeededBug {
 public:
  explicit SeededBug(std::string_view name) : name_(name) { daybook::internal::AddSeededBug(name_); }
  ~SeededBug() { daybook::internal::RemoveSeededBug(name_); }
  SeededBug(const SeededBug&) = delete;
  SeededBug& operator=(const SeededBug&) = delete;

 private:
  std::string name_;
};

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_SEEDED_BUG_H_
