#ifndef BENEFICIARY_COMMAND_SERVICE_PROCESS_H_
#define BENEFICIARY_COMMAND_SERVICE_PROCESS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "beneficiary/command_service/settings.h"

namespace beneficiary {

// The command side over Kafka, with the operator's pages.
//
//   DAYBOOK_ASSIGN_OR_RETURN(auto process, CommandProcess::Start(settings));
//   shutdown->Wait();
//   process->Stop();
//
// Thread safety: Start and Stop from one thread.
class CommandProcess {
 public:
  // Works when it returns, or will as soon as the brokers answer: /readyz says so. kFailedPrecondition if another
  // process has the directory or the address.
  static absl::StatusOr<std::unique_ptr<CommandProcess>> Start(const CommandSettings& settings);

  // As Stop().
  ~CommandProcess();

  // Drains: what was read is decided, what was decided is published. Idempotent.
  void Stop();

 private:
  struct Impl;
  explicit CommandProcess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_COMMAND_SERVICE_PROCESS_H_
