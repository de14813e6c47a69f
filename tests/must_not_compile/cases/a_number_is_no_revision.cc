// expect-gcc: could not convert '7' from 'int' to 'daybook::Revision'
// expect-clang: no viable conversion from returned value of type 'int' to function return type 'daybook::Revision'
#include "daybook/core/strong.h"

daybook::Revision Seventh() {
#ifdef FIXED
  return daybook::Revision(7);
#else
  return 7;
#endif
}
