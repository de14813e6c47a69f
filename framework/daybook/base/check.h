#ifndef DAYBOOK_BASE_CHECK_H_
#define DAYBOOK_BASE_CHECK_H_

#include <string_view>

// Aborts with the place and `message` if an invariant of the program itself is broken, in every build.
// Never for input: bad input is an absl::Status.
//
//   DAYBOOK_CHECK(position > last, "positions go up");
#define DAYBOOK_CHECK(condition, message)                                        \
  do {                                                                           \
    if (!(condition)) [[unlikely]]                                               \
      ::daybook::internal::CheckFailed(__FILE__, __LINE__, #condition, message); \
  } while (false)

namespace daybook::internal {
[[noreturn]] void CheckFailed(const char* file, int line, std::string_view condition, std::string_view message);
}  // namespace daybook::internal

#endif  // DAYBOOK_BASE_CHECK_H_
