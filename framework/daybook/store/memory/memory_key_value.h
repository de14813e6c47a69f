#ifndef DAYBOOK_STORE_MEMORY_MEMORY_KEY_VALUE_H_
#define DAYBOOK_STORE_MEMORY_MEMORY_KEY_VALUE_H_

#include <memory>

#include "daybook/store/key_value.h"

namespace daybook::store {

// A key-value store that forgets everything when it is destroyed, for tests; the whole contract otherwise.
std::unique_ptr<KeyValue> NewMemoryKeyValue();

}  // namespace daybook::store

#endif  // DAYBOOK_STORE_MEMORY_MEMORY_KEY_VALUE_H_
