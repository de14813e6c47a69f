#ifndef BENEFICIARY_QUERY_SERVICE_PROCESS_H_
#define BENEFICIARY_QUERY_SERVICE_PROCESS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "beneficiary/query_service/settings.h"

namespace beneficiary::query {

// The query side in a process of its own: read models from the events topics, and the API over them. Writes are the
// command service's, and are answered with 501. Any number of these processes run side by side, each with a data_dir.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto process, Process::Start(settings));
//   shutdown->Wait();
//   process->Stop();
//
// Thread safety: Start and Stop from one thread.
class Process {
 public:
  // Everything serves when it returns, though perhaps not ready: /readyz says so once the read models show what the
  // topics held at the start. A broker that cannot be reached is waited for. Errors name what could not be opened or
  // bound: kFailedPrecondition if another process has the directory or an address.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const Settings& settings);

  // As Stop().
  ~Process();

  // Drains: no new connections, what is in flight finishes within the time-out. Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit Process(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary::query

#endif  // BENEFICIARY_QUERY_SERVICE_PROCESS_H_
