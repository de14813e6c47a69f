#ifndef DAYBOOK_BASE_STATUS_H_
#define DAYBOOK_BASE_STATUS_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function if `expr` is an error.
//
//   DAYBOOK_RETURN_IF_ERROR(store.Append(batch).status());
#define DAYBOOK_RETURN_IF_ERROR(expr)                                                      \
  do {                                                                                     \
    if (absl::Status daybook_status = (expr); !daybook_status.ok()) return daybook_status; \
  } while (false)

// Moves the value of a StatusOr into `lhs`, or returns its error from the enclosing function.
//
//   DAYBOOK_ASSIGN_OR_RETURN(StreamHead head, store.Head(stream));
#define DAYBOOK_ASSIGN_OR_RETURN(lhs, expr) \
  DAYBOOK_ASSIGN_OR_RETURN_IMPL_(DAYBOOK_CONCAT_(daybook_or_, __LINE__), lhs, expr)
#define DAYBOOK_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                   \
  if (!tmp.ok()) return std::move(tmp).status();       \
  lhs = *std::move(tmp)
#define DAYBOOK_CONCAT_(a, b) DAYBOOK_CONCAT_INNER_(a, b)
#define DAYBOOK_CONCAT_INNER_(a, b) a##b

namespace daybook {

// The same status with `context` and a colon before its message; OK stays OK. Payloads are kept.
//
//   return Annotate(status, "partition /var/lib/daybook/0");
absl::Status Annotate(const absl::Status& status, std::string_view context);

}  // namespace daybook

#endif  // DAYBOOK_BASE_STATUS_H_
