#include "daybook/bus/dead_letter.h"

#include "absl/strings/str_cat.h"
#include "daybook/base/reason.h"
#include "daybook/base/strings.h"

namespace daybook::bus {

std::string DeadLetterTopic(std::string_view topic) { return std::string(topic).append(".dlq"); }

OutgoingRecord MakeDeadLetter(const Record& record, const DeadLetterCause& cause, std::string_view dead_letter_topic,
                              HeaderList& headers) {
  headers.Clear();
  for (const Header& header : record.headers) {
    if (header.value.has_value()) {
      headers.Add(header.name, *header.value);
    } else {
      headers.AddNull(header.name);
    }
  }
  const std::string reason = ReasonOf(cause.status);
  const auto add = [&](std::string_view name, const std::string& value) {
    headers.Add(std::string("__connect.errors.").append(name), value);
  };
  add("topic", std::string(record.topic));
  add("partition", absl::StrCat(record.partition.value()));
  add("offset", absl::StrCat(record.offset.value()));
  add("connector.name", std::string(cause.component));
  add("task.id", "0");
  add("stage", std::string(cause.stage));
  add("exception.class.name",
      absl::StrCat(absl::StatusCodeToString(cause.status.code()), reason.empty() ? "" : ":", reason));
  add("exception.message", std::string(cause.status.message()));
  OutgoingRecord letter;
  letter.topic = dead_letter_topic;
  letter.key = record.key;
  letter.value = record.value;
  letter.headers = headers.view();
  return letter;
}

}  // namespace daybook::bus
