#ifndef BENEFICIARY_SWITCH_PROCESS_H_
#define BENEFICIARY_SWITCH_PROCESS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "beneficiary/switch/settings.h"

namespace beneficiary::switching {

// The switch with its edge for clients, the operator's page and pages.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto process, Process::Start(settings));
//   shutdown->Wait();
//   process->Stop();
//
// Thread safety: Start and Stop from one thread.
class Process {
 public:
  // Everything serves when it returns. Errors name what could not be opened or bound.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const Settings& settings);

  // As Stop().
  ~Process();

  // Drains: no new connections, and what is in flight finishes within the time-out. Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit Process(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_PROCESS_H_
