#include "daybook/bus/command_router.h"

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/base/shape.h"

namespace daybook::bus {
namespace {

std::string KeyOf(std::string_view category, std::string_view type) {
  return absl::StrCat(ToAbsl(category), " ", ToAbsl(type));
}

}  // namespace

void CommandRouter::AddType(std::string_view category, std::string_view type, Handler handler) {
  handlers_.insert_or_assign(KeyOf(category, type), std::move(handler));
}

absl::Status CommandRouter::Execute(const BusCommand& command, runtime::CommandOptions options,
                                    runtime::OutcomeHandler done) const {
  const auto found = handlers_.find(KeyOf(command.stream.category(), command.type));
  if (found == handlers_.end()) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat("no aggregate takes a ", TypeNameOrShape(command.type),
                                                              " for a ", ToAbsl(command.stream.category()))),
                      "UNKNOWN_COMMAND_TYPE");
  }
  const absl::Status taken = found->second(command, std::move(options), std::move(done));
  if (taken.ok()) return taken;
  return WithReason(absl::InvalidArgumentError(absl::StrCat("its payload is no ", command.type, ": ", taken.message())),
                    "UNREADABLE_COMMAND");
}

}  // namespace daybook::bus
