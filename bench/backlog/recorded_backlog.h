#ifndef DAYBOOK_BENCH_BACKLOG_RECORDED_BACKLOG_H_
#define DAYBOOK_BENCH_BACKLOG_RECORDED_BACKLOG_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daybook/cdc/record.h"

namespace daybook::bench {

// The recorded changes of a BOS, as often over as wanted: each copy is another set of clients with beneficiaries of
// their own. A copy is the recording with every primary and foreign key, client reference, transaction number, log
// position and offset moved by a fixed distance, so that keys never collide, references still meet, and transaction
// records still count what they counted. Texts, times and partitions stay. The same number gives the same bytes.
//
//   DAYBOOK_ASSIGN_OR_RETURN(const auto backlog, RecordedBacklog::Open(path));
//   RecordedBacklog::Copy copy;
//   for (std::uint64_t n = 0; n < 152; ++n) { backlog->Make(n, copy); Ingest(copy.records()); }
//
// Thread safety: const.
class RecordedBacklog {
 public:
  // The records of one copy; views into its own memory, valid until it is made anew.
  class Copy {
   public:
    std::span<const cdc::Record> records() const { return records_; }

   private:
    friend class RecordedBacklog;
    std::vector<cdc::Record> records_;
    std::string bytes_;
  };

  // Reads the file. Heartbeats are left out: nobody takes them in. kNotFound, kDataLoss; kInvalidArgument: offsets of a
  // partition that are not 0, 1, 2 …, which copies could not go on from.
  static absl::StatusOr<std::unique_ptr<RecordedBacklog>> Open(const std::string& path);
  ~RecordedBacklog();

  std::size_t records_per_copy() const;
  // Of every topic.
  const std::map<std::string, std::int32_t>& partition_counts() const { return partition_counts_; }
  // By how much a client's reference moves from one copy to the next.
  std::uint64_t client_stride() const;

  void Make(std::uint64_t number, Copy& copy) const;

 private:
  struct Text;
  struct Template;
  struct Strides;

  RecordedBacklog();
  absl::Status Add(const cdc::Record& record);
  absl::Status Finish();

  std::vector<Template> templates_;
  std::map<std::string, std::int32_t> partition_counts_;
  std::unique_ptr<Strides> strides_;
  std::size_t bytes_max_ = 0;  // of a copy
};

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_BACKLOG_RECORDED_BACKLOG_H_
