#ifndef DAYBOOK_TESTING_INTERNAL_BUS_CASES_H_
#define DAYBOOK_TESTING_INTERNAL_BUS_CASES_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daybook/bus/bus.h"
#include "daybook/testing/bus_contract.h"

// What the files of the bus's contract share.
namespace daybook::testing::internal {

constexpr absl::Duration kLong = absl::Seconds(30);

// A copy of a record as read.
struct ReadRecord {
  std::string topic;
  std::int32_t number = 0;  // of the partition
  std::int64_t offset = 0;
  std::int64_t time_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

// The bus under test.
class BusUnderTest {
 public:
  explicit BusUnderTest(const BusHarnessFactory& factory);

  bus::Bus& operator*() { return *bus_; }
  bus::Bus* operator->() { return bus_.get(); }

  // A name that no other test uses.
  std::string Name(std::string_view about) const;
  // A new topic under such a name.
  std::string Topic(std::int32_t partitions = 1, std::map<std::string, std::string> config = {});
  void Create(const std::string& topic, std::int32_t partitions);

  // Sends values, key = value, and waits until they are safe. Their offsets.
  std::vector<std::int64_t> Send(const std::string& topic, const std::vector<std::string>& values,
                                 std::optional<std::int32_t> number = std::nullopt);

  std::unique_ptr<bus::Consumer> Consumer(bus::Isolation isolation = bus::Isolation::kReadCommitted);
  // One that reads all of the topics from their first records.
  std::unique_ptr<bus::Consumer> Reader(const std::vector<std::string>& topics,
                                        bus::Isolation isolation = bus::Isolation::kReadCommitted);
  std::unique_ptr<bus::TransactionalProducer> Transactional(const std::string& id,
                                                            absl::Duration transaction_timeout = absl::Seconds(60));
  // The session is one that no pause of a busy machine ends, unless the test waits for its end.
  std::unique_ptr<bus::Membership> Join(const std::string& group, const std::string& topic,
                                        const std::string& instance = "",
                                        absl::Duration poll_interval_max = absl::Seconds(60),
                                        absl::Duration session_timeout = absl::Seconds(10));

 private:
  std::unique_ptr<BusHarness> harness_;
  std::unique_ptr<bus::Bus> bus_;
  std::string unique_;
  int topics_ = 0;
};

bus::TopicPartition At(const std::string& topic, std::int32_t number = 0);
bus::Start StartAt(const std::string& topic, std::int64_t next, std::int32_t number = 0);

std::vector<ReadRecord> CopyOf(const bus::RecordBatch& batch);
// Polls until there are `count` records; fewer, with a failure of the test, after kLong or on an error.
std::vector<ReadRecord> Read(bus::Consumer& consumer, std::size_t count);
// Polls until the consumer has caught up.
std::vector<ReadRecord> ReadToEnd(bus::Consumer& consumer);
// All there is in the topics, which is `count` records. Of committed transactions: what Commit has answered may be
// behind the end for a moment yet.
std::vector<ReadRecord> ReadAll(BusUnderTest& bus, const std::vector<std::string>& topics, std::size_t count);
// The values, joined by a blank.
std::string ValuesOf(const std::vector<ReadRecord>& records);
// Polls until it fails; OK, with a failure of the test, after kLong.
absl::Status ReadToError(bus::Consumer& consumer);

struct BusCase {
  const char* name;
  void (*run)(BusUnderTest&);
};

std::vector<BusCase> BusRecordCases();
std::vector<BusCase> BusPositionCases();
std::vector<BusCase> BusTransactionCases();
std::vector<BusCase> BusMembershipCases();

#define ASSERT_OK(expr)                                        \
  do {                                                         \
    const absl::Status assert_ok = (expr);                     \
    ASSERT_TRUE(assert_ok.ok()) << #expr << ": " << assert_ok; \
  } while (false)
#define EXPECT_OK(expr)                                        \
  do {                                                         \
    const absl::Status expect_ok = (expr);                     \
    EXPECT_TRUE(expect_ok.ok()) << #expr << ": " << expect_ok; \
  } while (false)

}  // namespace daybook::testing::internal

#endif  // DAYBOOK_TESTING_INTERNAL_BUS_CASES_H_
