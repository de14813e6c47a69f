// expect-gcc: could not convert
// expect-clang: no viable conversion from returned value of type
// expect: CommandId
#include "daybook/core/uuid.h"

daybook::CommandId Id(const daybook::Uuid& uuid) {
#ifdef FIXED
  return daybook::CommandId(uuid);
#else
  return uuid;
#endif
}
