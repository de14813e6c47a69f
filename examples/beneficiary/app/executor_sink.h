#ifndef BENEFICIARY_APP_EXECUTOR_SINK_H_
#define BENEFICIARY_APP_EXECUTOR_SINK_H_

#include "absl/status/status.h"
#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/client.h"
#include "daybook/cdc/command_sink.h"
#include "daybook/runtime/executor.h"

namespace beneficiary {

// Joins the gateway to the executors of this process: what it publishes is executed here.
//
//   ExecutorSink sink(engine->beneficiaries(), engine->clients());
//   auto gateway = BosGateway::Open(options, kv.get(), &sink);
//
// Thread safety: as CommandSink. The executors outlive it.
// Invariants: a command is acknowledged once its outcome is durable, a rejection too; an unknown type is
// kInvalidArgument, so that the gateway sets it aside.
class ExecutorSink : public daybook::cdc::CommandSink {
 public:
  ExecutorSink(daybook::runtime::Executor<Beneficiary>& beneficiaries, daybook::runtime::Executor<Client>& clients)
      : beneficiaries_(beneficiaries), clients_(clients) {}

  absl::Status Publish(const daybook::cdc::Command& command, Done done) override;

 private:
  daybook::runtime::Executor<Beneficiary>& beneficiaries_;
  daybook::runtime::Executor<Client>& clients_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_APP_EXECUTOR_SINK_H_
