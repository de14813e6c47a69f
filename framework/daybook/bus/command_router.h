#ifndef DAYBOOK_BUS_COMMAND_ROUTER_H_
#define DAYBOOK_BUS_COMMAND_ROUTER_H_

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "daybook/base/strings.h"
#include "daybook/bus/command_record.h"
#include "daybook/codec/message_codec.h"
#include "daybook/runtime/executor.h"

namespace daybook::bus {

// Takes commands as they come from a topic to the executor of their aggregate.
//
//   CommandRouter router;
//   router.Add(payees);                         // every command of Executor<Payee>
//   DAYBOOK_RETURN_IF_ERROR(router.Execute(command, options, done));
//
// Thread safety: Add before, Execute from any thread. The executors outlive it.
class CommandRouter {
 public:
  template <class A>
  void Add(runtime::Executor<A>& executor) {
    AddTypes(executor, static_cast<const typename A::Command*>(nullptr));
  }

  // Calls `done` exactly once, as Executor::Execute; or does nothing with it and returns kInvalidArgument: no aggregate
  // takes this type of command for this category (reason UNKNOWN_COMMAND_TYPE), or the payload is no such message
  // (UNREADABLE_COMMAND).
  absl::Status Execute(const BusCommand& command, runtime::CommandOptions options, runtime::OutcomeHandler done) const;

 private:
  using Handler = std::function<absl::Status(const BusCommand&, runtime::CommandOptions&&, runtime::OutcomeHandler&&)>;

  template <class A, class... Messages>
  void AddTypes(runtime::Executor<A>& executor, const std::variant<Messages...>*) {
    (AddType(A::kCategory, codec::TypeName<Messages>(),
             [&executor](const BusCommand& command, runtime::CommandOptions&& options, runtime::OutcomeHandler&& done) {
               Messages message;
               absl::Status parsed = codec::ParseStrictly(command.payload, message);
               if (!parsed.ok()) return parsed;
               executor.Execute(command.stream.key(), std::move(message), std::move(options), std::move(done));
               return absl::OkStatus();
             }),
     ...);
  }
  void AddType(std::string_view category, std::string_view type, Handler handler);

  StringMap<Handler> handlers_;  // by "category type"
};

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_COMMAND_ROUTER_H_
