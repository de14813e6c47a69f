#ifndef DAYBOOK_BUS_RECORD_H_
#define DAYBOOK_BUS_RECORD_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daybook/cloudevents/headers.h"
#include "daybook/core/strong.h"
#include "daybook/core/timestamp.h"

namespace daybook::bus {

using cloudevents::Header;
using cloudevents::HeaderList;

// A record's place in its topic's partition, from 0: Kafka's. They rise and have gaps (transaction markers,
// compaction).
using Offset = StrongNumber<struct OffsetTag, std::int64_t>;

// A partition of a topic. Not PartitionId, which is a partition of a category here.
using BusPartition = StrongNumber<struct BusPartitionTag, std::int32_t>;

struct TopicPartition {
  std::string topic;
  BusPartition partition;

  std::string ToString() const;  // "orders/3"

  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
  template <class H>
  friend H AbslHashValue(H h, const TopicPartition& p) {
    return H::combine(std::move(h), p.topic, p.partition);
  }
};

// One record as it was read. Owns nothing: the bytes belong to its RecordBatch.
struct Record {
  std::string_view topic;
  BusPartition partition;
  Offset offset;
  Timestamp timestamp;  // milliseconds; the producer's, or the broker's if the topic is configured so
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;  // nullopt = a tombstone
  std::span<const Header> headers;        // in the order in which they were written
};

// Records of one Poll, with the memory behind them. Records of one partition stand in the order of their offsets.
//
//   for (const Record& record : batch.records()) Apply(record);
//
// Thread safety: const methods from any thread. Views die with the batch; moving it keeps them.
class RecordBatch {
 public:
  RecordBatch() = default;
  // `memory` keeps alive whatever the records refer to.
  RecordBatch(std::vector<Record> records, std::shared_ptr<const void> memory)
      : records_(std::move(records)), memory_(std::move(memory)) {}
  RecordBatch(RecordBatch&&) = default;
  RecordBatch& operator=(RecordBatch&&) = default;

  std::span<const Record> records() const { return records_; }
  std::size_t size() const { return records_.size(); }
  bool empty() const { return records_.empty(); }

 private:
  std::vector<Record> records_;
  std::shared_ptr<const void> memory_;
};

// A record to send. Owns nothing: Send copies.
struct OutgoingRecord {
  std::string_view topic;
  std::optional<BusPartition> partition;  // nullopt = PartitionOf(key); without a key, any
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;  // nullopt = a tombstone
  std::span<const Header> headers;
  std::optional<Timestamp> timestamp;  // nullopt = now; cut to milliseconds
};

// Where a record with this key goes: murmur2 as in Kafka's default partitioner, so that a Java client picks the same
// one. Precondition: partitions > 0.
BusPartition PartitionOf(std::string_view key, std::int32_t partitions);

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_RECORD_H_
