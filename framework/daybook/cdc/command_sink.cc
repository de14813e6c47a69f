#include "daybook/cdc/command_sink.h"

namespace daybook::cdc {

absl::Status CommandSink::PublishDeadLetter(const DeadLetter& /*letter*/, Done /*done*/) {
  return absl::UnimplementedError("this sink takes no dead letters");
}

}  // namespace daybook::cdc
