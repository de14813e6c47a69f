#ifndef DAYBOOK_BENCH_FLOORS_RAW_LOG_H_
#define DAYBOOK_BENCH_FLOORS_RAW_LOG_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace daybook::bench {

// The floor under every durable log: a thread that drains a queue into one write and one fdatasync, without any index.
class RawLog {
 public:
  explicit RawLog(const std::string& path);
  ~RawLog();

  // Appends a copy of `bytes` and calls `done` when it is on disk.
  void Append(std::string_view bytes, std::function<void(bool ok)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::bench

#endif  // DAYBOOK_BENCH_FLOORS_RAW_LOG_H_
