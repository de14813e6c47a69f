#include "daybook/testing/event_store_contract.h"

#include "daybook/store/memory/memory_event_store.h"
#include "daybook/store/rocks/rocks_event_store.h"
#include "daybook/testing/temporary_directory.h"

namespace daybook::store {
namespace {

class MemoryEventStoreHarness : public testing::EventStoreHarness {
 public:
  absl::StatusOr<std::unique_ptr<EventStore>> Open() override { return NewMemoryEventStore(); }
  Kind kind() const override { return Kind::kVolatile; }
};

class RocksEventStoreHarness : public testing::EventStoreHarness {
 public:
  absl::StatusOr<std::unique_ptr<EventStore>> Open() override {
    return OpenRocksEventStore({.path = directory_.path() + "/partition/0"});
  }
  Kind kind() const override { return Kind::kDurable; }

 private:
  const testing::TemporaryDirectory directory_;
};

[[maybe_unused]] const bool memory_event_store = testing::RegisterEventStoreContract(
    "MemoryEventStoreContract", [] { return std::make_unique<MemoryEventStoreHarness>(); });
[[maybe_unused]] const bool rocks_event_store = testing::RegisterEventStoreContract(
    "RocksEventStoreContract", [] { return std::make_unique<RocksEventStoreHarness>(); });

}  // namespace
}  // namespace daybook::store
