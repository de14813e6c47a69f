#ifndef DAYBOOK_TESTING_KEY_VALUE_CONTRACT_H_
#define DAYBOOK_TESTING_KEY_VALUE_CONTRACT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daybook/store/key_value.h"

namespace daybook::testing {

// How the contract's tests get at a key-value store; as EventStoreHarness.
class KeyValueHarness {
 public:
  virtual ~KeyValueHarness() = default;

  // Opens the store; a durable one with the data it had.
  virtual absl::StatusOr<std::unique_ptr<store::KeyValue>> Open() = 0;

  enum class Kind { kVolatile, kDurable };
  virtual Kind kind() const = 0;
};

using KeyValueHarnessFactory = std::function<std::unique_ptr<KeyValueHarness>()>;

// Registers the contract of store/key_value.h, test by test, as the suite `suite`. To be called while globals are
// initialised:
//
//   const bool registered = daybook::testing::RegisterKeyValueContract(
//       "MyKeyValueContract", [] { return std::make_unique<MyHarness>(); });
//
// Returns true.
bool RegisterKeyValueContract(const std::string& suite, const KeyValueHarnessFactory& factory);

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_KEY_VALUE_CONTRACT_H_
