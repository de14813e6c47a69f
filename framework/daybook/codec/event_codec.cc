#include "daybook/codec/event_codec.h"

#include "absl/strings/str_cat.h"
#include "daybook/base/status.h"

namespace daybook::codec::internal {

TypeTable::TypeTable(std::vector<std::string> names, Upcasters upcasters)
    : names_(std::move(names)), upcasters_(std::move(upcasters)) {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    DAYBOOK_CHECK(Find(names_[i]) == i,
                  "two alternatives of an event variant have the same message name: " + names_[i]);
  }
  const absl::Status checked = upcasters_.Check(names_);
  DAYBOOK_CHECK(checked.ok(), std::string(checked.message()));
  for (const std::string& name : names_) reshapes_.push_back(upcasters_.FindReshape(name));
}

std::size_t TypeTable::Find(std::string_view type) const {
  // A variant has few alternatives, and their names' lengths tell most of them apart: quicker than to hash the name.
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == type) return i;
  }
  return kUnknown;
}

bool TypeTable::Knows(std::string_view type) const {
  return Find(type) != kUnknown || upcasters_.Find(type) != nullptr;
}

absl::StatusOr<std::size_t> TypeTable::Upcast(std::string_view type, std::string_view& data,
                                              std::string& scratch) const {
  const Upcasters::Step* step = upcasters_.Find(type);
  if (step == nullptr) {
    return absl::NotFoundError(absl::StrCat("unknown event type ", ToAbsl(type),
                                            ": this program has neither the type nor an upcaster for it"));
  }
  std::string_view from = type;
  while (step != nullptr) {
    if (step->function) {
      absl::StatusOr<std::string> made = step->function(data);
      if (!made.ok()) {
        return absl::DataLossError(
            absl::StrCat("upcasting ", ToAbsl(from), " to ", step->to, ": ", made.status().message()));
      }
      scratch = *std::move(made);
      data = scratch;
    }
    if (const std::size_t index = Find(step->to); index != kUnknown) return index;
    from = step->to;
    step = upcasters_.Find(from);
  }
  return absl::InternalError(absl::StrCat("upcaster chain of ", ToAbsl(type), " has no end"));
}

absl::Status TypeTable::Parse(std::size_t index, std::string_view data, google::protobuf::Message& message) const {
  DAYBOOK_RETURN_IF_ERROR(ParseStrictly(data, message));
  if (reshapes_[index] != nullptr) [[unlikely]]
    (*reshapes_[index])(message);
  return absl::OkStatus();
}

}  // namespace daybook::codec::internal
