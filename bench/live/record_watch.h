#ifndef DAYBOOK_BENCH_LIVE_RECORD_WATCH_H_
#define DAYBOOK_BENCH_LIVE_RECORD_WATCH_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daybook/bus/bus.h"

namespace daybook::bench {

// One record on its way from BOS to the API, and when a consumer of its topic had it.
struct RecordSeen {
  std::int64_t at_us = 0;  // this machine's time of day, as everything here
  std::string topic;
  std::int64_t timestamp_ms = 0;  // the record's own
  std::string token;              // the text that names the transaction; "" = END of one
  std::string transaction;        // Debezium's id, "txid:lsn"; "" = not a record of the connector
  std::int64_t source_us = 0;     // PostgreSQL's commit, as Debezium says; 0 = not a change
  std::int64_t connector_us = 0;  // when Debezium made the record; likewise
  std::string decided;            // of an event: when the command was decided (RFC 3339)
};

struct RecordWatchOptions {
  std::vector<std::string> topics;
  // Tokens are the text that a transaction leaves in its beneficiary: prefix and 12 characters. In its other rows these
  // stand behind row_prefix, for a beneficiary still shows what earlier transactions left there. Records without either
  // are passed over, END of transactions excepted.
  std::string token_prefix;
  std::string row_prefix;
};

// Reads topics from their present ends on a thread of its own, as any consumer does, and notes the arrival of each
// record that carries a token. What it has noted stays in memory until the end: nothing is written meanwhile.
class RecordWatch {
 public:
  // Returns once it stands at the ends of all topics.
  static absl::StatusOr<std::unique_ptr<RecordWatch>> Start(bus::Bus& bus, RecordWatchOptions options);
  virtual ~RecordWatch() = default;

  // Takes in what still arrives, until nothing has come for a second, and returns everything. Once.
  virtual absl::StatusOr<std::vector<RecordSeen>> Stop() = 0;
};

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_LIVE_RECORD_WATCH_H_
