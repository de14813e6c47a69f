#include "beneficiary/app/executor_sink.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daybook/base/hash.h"
#include "daybook/base/strings.h"

namespace beneficiary {

namespace cdc = daybook::cdc;
namespace runtime = daybook::runtime;
using daybook::ToAbsl;

namespace {

runtime::CommandOptions OptionsOf(const cdc::Command& command) {
  runtime::CommandOptions options;
  options.id = command.id;
  options.fingerprint = daybook::Sha256(absl::StrCat(command.type, "\n", command.payload));
  options.actor = "bos-gateway";
  if (command.source_time != daybook::Timestamp()) options.source_time = command.source_time;
  options.source_change = command.source_change;
  return options;
}

// Executes the command if it is a Message. False: it is another type.
template <class Message, class Aggregate>
bool ExecuteAs(runtime::Executor<Aggregate>& executor, const cdc::Command& command, const cdc::CommandSink::Done& done,
               absl::Status& status) {
  if (command.type != Message::descriptor()->full_name()) return false;
  Message message;
  if (command.stream.category() != Aggregate::kCategory || !message.ParseFromString(command.payload)) {
    status = absl::InvalidArgumentError(
        absl::StrCat("command ", command.id.ToString(), " is no ", command.type, " for ", command.stream.text()));
    return true;
  }
  executor.Execute(command.stream.key(), std::move(message), OptionsOf(command),
                   [done](const absl::StatusOr<runtime::CommandOutcome>& outcome) { done(outcome.status()); });
  return true;
}

}  // namespace

absl::Status ExecutorSink::Publish(const cdc::Command& command, Done done) {
  absl::Status status;
  const bool known = ExecuteAs<commands::v1::SyncFromBos>(beneficiaries_, command, done, status) ||
                     ExecuteAs<commands::v1::ForgetFromBos>(beneficiaries_, command, done, status) ||
                     ExecuteAs<commands::v1::SyncClient>(clients_, command, done, status) ||
                     ExecuteAs<commands::v1::ForgetClient>(clients_, command, done, status);
  if (!known) status = absl::InvalidArgumentError(absl::StrCat("no aggregate takes the command type ", command.type));
  // An error from Publish itself would be offered again for ever; this one is final.
  if (!status.ok()) done(status);
  return absl::OkStatus();
}

}  // namespace beneficiary
