#ifndef DAYBOOK_BASE_SHAPE_H_
#define DAYBOOK_BASE_SHAPE_H_

#include <string>
#include <string_view>

namespace daybook {

// What a message may show of a value that came from outside. Messages get into logs, where values of records and
// requests do not belong.
//
//   return absl::InvalidArgumentError(absl::StrCat("its subject \"", ShapeOf(subject), "\" is no stream"));
//
// Thread safety: pure functions.

// The text's form: "Acme-7" is "Xxxx-9". Letters become x or X, digits 9, other printable characters of ASCII stay, all
// else is a bullet; cut after 40 characters. Valid UTF-8 whatever the text.
std::string ShapeOf(std::string_view text);

// The text if it can be the full name of a message ("beneficiary.events.v1.AliasAdded"), which tells nothing of anybody
// and which messages must name; otherwise its shape.
std::string TypeNameOrShape(std::string_view text);

}  // namespace daybook

#endif  // DAYBOOK_BASE_SHAPE_H_
