#ifndef DAYBOOK_BUS_MEMORY_INTERNAL_TOPICS_H_
#define DAYBOOK_BUS_MEMORY_INTERNAL_TOPICS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/bus/admin.h"
#include "daybook/bus/consumer.h"
#include "daybook/bus/producer.h"
#include "daybook/bus/record.h"
#include "daybook/core/strong.h"

namespace daybook::bus::internal {

using TransactionNumber = StrongNumber<struct TransactionNumberTag>;  // 0 = outside of any

struct StoredRecord {
  enum class Kind { kData, kMarker };
  Kind kind = Kind::kData;
  std::shared_ptr<const std::string> topic;
  BusPartition partition;
  Offset offset;
  Timestamp timestamp;
  std::optional<std::string> key;
  std::optional<std::string> value;
  HeaderList header_list;
  std::span<const Header> headers;  // of header_list
  TransactionNumber transaction;

  Record view() const;
};

// One partition: every offset is taken, by a record or by the marker that ends a transaction.
class PartitionLog {
 public:
  Offset begin() const { return begin_; }
  Offset end() const { return Offset(begin_.value() + static_cast<std::int64_t>(records_.size())); }
  // After the last record that may be read as committed.
  Offset stable_end() const;
  Offset end(Isolation isolation) const { return isolation == Isolation::kReadCommitted ? stable_end() : end(); }

  // The record is given its offset.
  Offset Append(std::shared_ptr<StoredRecord> record);
  enum class Fate { kCommitted, kAborted };
  void EndTransaction(TransactionNumber transaction, Fate fate, std::shared_ptr<StoredRecord> marker);
  void DeleteBefore(Offset before);

  // nullptr: it is not to be shown with this isolation. Precondition: begin() <= offset < end(isolation).
  std::shared_ptr<const StoredRecord> At(Offset offset, Isolation isolation) const;

 private:
  Offset begin_;
  std::deque<std::shared_ptr<const StoredRecord>> records_;
  std::map<TransactionNumber, Offset> open_;  // with their first offsets
  std::set<TransactionNumber> aborted_;
};

struct Topic {
  TopicSpec spec;
  std::uint64_t incarnation = 0;  // another one after it was deleted and made again
  std::shared_ptr<const std::string> name;
  std::vector<PartitionLog> partitions;
};

// The topics of a bus. Not thread-safe: the broker's mutex guards it.
class Topics {
 public:
  absl::Status Create(const TopicSpec& spec);
  absl::Status AddPartitions(std::string_view topic, std::int32_t partitions);
  absl::Status Delete(std::string_view topic);

  Topic* Find(std::string_view topic);
  PartitionLog* Find(const TopicPartition& partition);
  std::vector<std::string> Names() const;

  // kNotFound: no such topic or partition. Without partition and key: in turn.
  absl::StatusOr<Delivery> Append(const OutgoingRecord& record, Timestamp now, TransactionNumber transaction);

 private:
  std::map<std::string, Topic, std::less<>> topics_;
  std::uint64_t last_incarnation_ = 0;
  std::int32_t turn_ = 0;
};

}  // namespace daybook::bus::internal

#endif  // DAYBOOK_BUS_MEMORY_INTERNAL_TOPICS_H_
