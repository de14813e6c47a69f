// expect-gcc: no match for 'operator=='
// expect-clang: invalid operands to binary expression
#include "daybook/core/strong.h"

bool Same(daybook::Revision a, daybook::Position b) {
#ifdef FIXED
  return a.value() == b.value();
#else
  return a == b;
#endif
}
