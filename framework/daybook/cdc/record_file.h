#ifndef DAYBOOK_CDC_RECORD_FILE_H_
#define DAYBOOK_CDC_RECORD_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daybook/cdc/record.h"

namespace daybook::cdc {

// A line that is not a record. `raw` is what was there, cut to RecordFileOptions::bad_line_bytes_max.
struct BadLine {
  std::uint64_t line = 0;  // from 1
  std::string raw;
  absl::Status why;  // names file, line and what is wrong
};

// Records with the memory they point into; reused from call to call. Thread safety: one thread at a time.
class RecordBatch {
 public:
  std::span<const Record> records() const { return records_; }
  const std::vector<BadLine>& bad_lines() const { return bad_lines_; }

 private:
  friend class RecordFile;
  std::vector<Record> records_;
  std::vector<BadLine> bad_lines_;
  std::string bytes_;  // what the views point into
};

struct RecordFileOptions {
  std::size_t line_bytes_max = 16 * 1024 * 1024;
  std::size_t bad_line_bytes_max = 64 * 1024;
};

struct RecordFileProgress {
  std::uint64_t lines = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes_read = 0;   // of the file as it lies there (compressed, if it is)
  std::uint64_t bytes_total = 0;  // its size
};

// Reads recorded change records: one JSON object a line, plain or gzip.
//
//   auto file = *RecordFile::Open("records.ndjson.gz");
//   RecordBatch batch;
//   while (*file->Read(1000, batch)) gateway->Ingest(batch.records());
//
// A line: {"topic","partition","offset","timestamp","key","value","headers"}, key and value raw strings or null, or
// base64 under "key_base64" and "value_base64" (the form of dead letters). Unknown members are ignored.
// Thread safety: one thread at a time. Memory: one line and one batch.
class RecordFile {
 public:
  // kNotFound or kPermissionDenied with the path.
  static absl::StatusOr<std::unique_ptr<RecordFile>> Open(const std::string& path, RecordFileOptions options = {});
  ~RecordFile();

  // Replaces `batch` by the next lines, at most `lines_max` and about 4 MiB. False: nothing left.
  // A bad line is reported in the batch and reading goes on. kDataLoss: the file itself is damaged (place in message).
  absl::StatusOr<bool> Read(std::size_t lines_max, RecordBatch& batch);

  RecordFileProgress progress() const;

 private:
  struct Impl;
  explicit RecordFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::cdc

#endif  // DAYBOOK_CDC_RECORD_FILE_H_
