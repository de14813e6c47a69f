#ifndef DAYBOOK_BENCH_FLOORS_BARE_WRITER_H_
#define DAYBOOK_BENCH_FLOORS_BARE_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace daybook::bench {

// The floor under the committer: one thread that drains a queue into one synced RocksDB WriteBatch with the rows, the
// column families and the memtables of Daybook's event store, and nothing else: no decision, no envelope, no look-up of
// command ids, no expected revisions.
class BareWriter {
 public:
  // Creates a database in `path`, which is empty. Streams are numbered from 0 to `streams` - 1.
  BareWriter(const std::string& path, int streams);
  ~BareWriter();

  // Appends one event to a stream, with an outcome row under the 16 bytes of `command_id`, and calls `done` when it is
  // on disk.
  void Append(int stream, std::string_view command_id, std::string_view event, std::function<void(bool ok)> done);

  // Writes `count` such events over all streams, without waiting for each.
  void Fill(std::uint64_t count, std::string_view event);

  // Reads the whole log once, touching every cache line of every page: the floor under a replay. Returns the number
  // of bytes.
  std::uint64_t ScanLog();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_FLOORS_BARE_WRITER_H_
