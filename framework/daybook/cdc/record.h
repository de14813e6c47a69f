#ifndef DAYBOOK_CDC_RECORD_H_
#define DAYBOOK_CDC_RECORD_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace daybook::cdc {

struct RecordHeader {
  std::string_view name;
  std::string_view value;  // a null value reads as ""
};

// One record of a Kafka topic as it was consumed, or read from a file of recorded ones.
//
//   Record r{.topic = "bos.public.core_bank", .partition = 0, .offset = 17, .key = R"({"id":1})", .value = json};
//
// Owns nothing: the bytes belong to the consumer or to a RecordBatch. Thread safety: a value type.
struct Record {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;        // Kafka's, of (topic, partition)
  std::int64_t timestamp_ms = 0;  // Kafka's
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;  // nullopt = a tombstone
  std::vector<RecordHeader> headers;
};

}  // namespace daybook::cdc

#endif  // DAYBOOK_CDC_RECORD_H_
