#ifndef PAYEE_DIRECTORY_H_
#define PAYEE_DIRECTORY_H_

#include <string_view>

#include "daybook/core/projection.h"
#include "payee/payee.h"

namespace payee {

// [projection]
// Every payee by id, as the API shows it.
struct Directory {
  static constexpr std::string_view kName = "directory.v1";  // a new name is a new read model, built from position 1
  static void On(const daybook::Recorded<v1::Registered>& recorded, daybook::ViewWriter& out);
  static void On(const daybook::Recorded<v1::Suspended>& recorded, daybook::ViewWriter& out);
};
static_assert(daybook::ProjectionOf<Directory, Payee>);
// [projection]

}  // namespace payee

#endif  // PAYEE_DIRECTORY_H_
