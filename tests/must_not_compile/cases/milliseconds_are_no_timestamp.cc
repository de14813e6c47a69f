// expect-gcc: could not convert
// expect-clang: no viable conversion from returned value of type
// expect: Timestamp
#include "daybook/core/timestamp.h"

daybook::Timestamp Then() {
#ifdef FIXED
  return daybook::Timestamp::FromMillis(1700);
#else
  return 1700;
#endif
}
