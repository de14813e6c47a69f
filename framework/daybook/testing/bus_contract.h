#ifndef DAYBOOK_TESTING_BUS_CONTRACT_H_
#define DAYBOOK_TESTING_BUS_CONTRACT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "daybook/bus/bus.h"

namespace daybook::testing {

// How the contract's tests get at a bus.
class BusHarness {
 public:
  virtual ~BusHarness() = default;

  // Opens the bus. Other tests may use the same brokers at the same time: topics and groups get names of their own.
  virtual absl::StatusOr<std::unique_ptr<bus::Bus>> Open() = 0;
};

using BusHarnessFactory = std::function<std::unique_ptr<BusHarness>()>;

// Registers the contract of bus/*.h, test by test, as the suite `suite`. To be called while globals are initialised:
//
//   const bool registered = daybook::testing::RegisterBusContract(
//       "MyBusContract", [] { return std::make_unique<MyHarness>(); });
//
// The brokers must let a group's session be as short as 300 ms, and look for transactions that ran out of time every
// second. Returns true.
bool RegisterBusContract(const std::string& suite, const BusHarnessFactory& factory);

}  // namespace daybook::testing

#endif  // DAYBOOK_TESTING_BUS_CONTRACT_H_
