#ifndef DAYBOOK_STORE_MEMORY_MEMORY_EVENT_STORE_H_
#define DAYBOOK_STORE_MEMORY_MEMORY_EVENT_STORE_H_

#include <memory>

#include "daybook/store/event_store.h"

namespace daybook::store {

// An event store that forgets everything when it is destroyed, for tests and examples; the whole contract otherwise.
//
//   std::unique_ptr<EventStore> store = NewMemoryEventStore();
std::unique_ptr<EventStore> NewMemoryEventStore();

}  // namespace daybook::store

#endif  // DAYBOOK_STORE_MEMORY_MEMORY_EVENT_STORE_H_
