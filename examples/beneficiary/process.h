#ifndef BENEFICIARY_PROCESS_H_
#define BENEFICIARY_PROCESS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/settings.h"

namespace beneficiary {

// Command side, query side and gateway in one process, with their edges and the operator's pages.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto process, Process::Start(settings));
//   shutdown->Wait();
//   process->Stop();
//
// Thread safety: Start and Stop from one thread.
class Process {
 public:
  // Everything serves when it returns; a file given with --bos_records is being ingested. Errors name what could not be
  // opened or bound: kFailedPrecondition if another process has the directory or an address.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const Settings& settings);

  // As Stop().
  ~Process();

  // Drains: no new connections, what is in flight finishes within the time-out, all is stored. Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit Process(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_PROCESS_H_
