#ifndef DAYBOOK_TESTING_EVENT_STORE_CONTRACT_H_
#define DAYBOOK_TESTING_EVENT_STORE_CONTRACT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daybook/store/event_store.h"

namespace daybook::testing {

// How the contract's tests get at a store.
class EventStoreHarness {
 public:
  virtual ~EventStoreHarness() = default;

  // Opens the store; a durable one with the data it had. The tests destroy what the last call gave before they call
  // again, but for the test that a store is not opened twice.
  virtual absl::StatusOr<std::unique_ptr<store::EventStore>> Open() = 0;

  // Whether the data survive a reopen. Where they do not, the tests of restarts are left out.
  enum class Kind { kVolatile, kDurable };
  virtual Kind kind() const = 0;
};

using EventStoreHarnessFactory = std::function<std::unique_ptr<EventStoreHarness>()>;

// Registers the contract of store/event_store.h, test by test, as the suite `suite`. Every test gets a harness of its
// own, with an empty store. To be called while globals are initialised:
//
//   const bool registered = daybook::testing::RegisterEventStoreContract(
//       "MyEventStoreContract", [] { return std::make_unique<MyHarness>(); });
//
// Returns true.
bool RegisterEventStoreContract(const std::string& suite, const EventStoreHarnessFactory& factory);

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_EVENT_STORE_CONTRACT_H_
