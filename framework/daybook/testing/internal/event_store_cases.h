#ifndef DAYBOOK_TESTING_INTERNAL_EVENT_STORE_CASES_H_
#define DAYBOOK_TESTING_INTERNAL_EVENT_STORE_CASES_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daybook/store/event_store.h"
#include "daybook/testing/event_store_contract.h"

// What the files of the event store's contract share.
namespace daybook::testing::internal {

inline const StreamId kA("payee", "a");
inline const StreamId kB("payee", "b");

// A copy of an event as read.
struct StoredEvent {
  std::string stream;
  std::uint64_t revision = 0;
  std::uint64_t position = 0;
  std::uint32_t index = 0;
  std::uint32_t count = 0;
  std::string type;
  std::string envelope;
  std::string data;

  friend bool operator==(const StoredEvent&, const StoredEvent&) = default;
};

StoredEvent CopyOf(const store::EventView& view);
// Reads to the end; a failure of the test and what was read so far on an error.
std::vector<StoredEvent> ReadToEnd(store::EventCursor& cursor);
// The data of the events, joined by a blank.
std::string DataOf(const std::vector<StoredEvent>& events);

store::EventData MakeEvent(std::string_view data);
store::StreamAppend MakeAppend(const StreamId& stream, store::ExpectedRevision expected,
                               const std::vector<std::string>& data);
CommandId MakeCommandId(std::uint8_t number);

// The store under test.
class StoreUnderTest {
 public:
  explicit StoreUnderTest(const EventStoreHarnessFactory& factory) : harness_(factory()) { Reopen(); }

  store::EventStore& operator*() { return *store_; }
  store::EventStore* operator->() { return store_.get(); }
  EventStoreHarness& harness() { return *harness_; }

  void Close() { store_.reset(); }
  void Reopen();

  // One append of its own, which must go through.
  store::Appended Append(const StreamId& stream, const std::vector<std::string>& data);

  std::vector<StoredEvent> Stream(const StreamId& stream, Revision from = Revision(1),
                                  store::Direction direction = store::Direction::kForwards) {
    return ReadToEnd(*store_->ReadStream(stream, from, direction));
  }
  std::vector<StoredEvent> All(Position from = Position()) { return ReadToEnd(*store_->ReadAll(from)); }

 private:
  std::unique_ptr<EventStoreHarness> harness_;
  std::unique_ptr<store::EventStore> store_;
};

struct EventStoreCase {
  const char* name;
  void (*run)(StoreUnderTest&);
};

std::vector<EventStoreCase> AppendCases();
std::vector<EventStoreCase> ReadCases();
std::vector<EventStoreCase> SubscriptionCases();
std::vector<EventStoreCase> RowCases();
std::vector<EventStoreCase> RestartCases();  // for durable stores

}  // namespace daybook::testing::internal

#endif  // DAYBOOK_TESTING_INTERNAL_EVENT_STORE_CASES_H_
