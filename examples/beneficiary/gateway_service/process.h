#ifndef BENEFICIARY_GATEWAY_SERVICE_PROCESS_H_
#define BENEFICIARY_GATEWAY_SERVICE_PROCESS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "beneficiary/gateway_service/settings.h"

namespace beneficiary::gateway_service {

// The gateway with the operator's pages.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto process, Process::Start(settings));
//   shutdown->Wait();
//   process->Stop();
//
// Thread safety: Start and Stop from one thread.
class Process {
 public:
  // Errors name what could not be opened or bound: kFailedPrecondition if another process has the directory or address.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const Settings& settings);

  // As Stop().
  ~Process();

  // Publishes what is in the outbox within the time-out, hands the work over and closes everything. Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit Process(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary::gateway_service

#endif  // BENEFICIARY_GATEWAY_SERVICE_PROCESS_H_
