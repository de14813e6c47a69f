#include "daybook/bus/internal/record_context.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/base/shape.h"
#include "daybook/base/strings.h"

namespace daybook::bus::internal {

absl::StatusOr<StreamId> StreamOf(const cloudevents::Context& context, const Record& record) {
  if (context.content_type != cloudevents::kProtobufContentType) {
    return absl::InvalidArgumentError(absl::StrCat("its content type is ", ShapeOf(context.content_type)));
  }
  if (context.data_type != context.type) {
    return absl::InvalidArgumentError(absl::StrCat("its value is a ", TypeNameOrShape(context.data_type),
                                                   " and its type ", TypeNameOrShape(context.type)));
  }
  if (!record.value) return absl::InvalidArgumentError("it has no value");
  const std::optional<StreamId> stream = StreamId::Parse(context.subject);
  if (!stream) {
    return absl::InvalidArgumentError(absl::StrCat("its subject \"", ShapeOf(context.subject), "\" is no stream"));
  }
  if (record.key != stream->key()) {
    return absl::InvalidArgumentError(absl::StrCat("its key is not that of its stream ", ShapeOf(stream->text())));
  }
  return *stream;
}

absl::Status Unreadable(const Record& record, const absl::Status& why, std::string_view reason) {
  return WithReason(absl::InvalidArgumentError(absl::StrCat(ToAbsl(record.topic), "/", record.partition.value(), "@",
                                                            record.offset.value(), ": ", why.message())),
                    reason);
}

}  // namespace daybook::bus::internal
