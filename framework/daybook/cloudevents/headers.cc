#include "daybook/cloudevents/headers.h"

namespace daybook::cloudevents {

std::optional<std::string_view> FindHeader(std::span<const Header> headers, std::string_view name) {
  for (const Header& header : headers) {
    if (header.name == name) return header.value;
  }
  return std::nullopt;
}

void HeaderList::Add(std::string_view name, std::string_view value) {
  entries_.push_back({.begin = bytes_.size(), .name_size = name.size(), .value_size = value.size()});
  bytes_.append(name).append(value);
}

void HeaderList::Add(const Header& header) {
  if (header.value.has_value()) return Add(header.name, *header.value);
  AddNull(header.name);
}

void HeaderList::AddNull(std::string_view name) {
  entries_.push_back({.begin = bytes_.size(), .name_size = name.size(), .value_size = std::nullopt});
  bytes_.append(name);
}

void HeaderList::Clear() {
  bytes_.clear();
  entries_.clear();
  view_.clear();
}

std::span<const Header> HeaderList::view() {
  view_.clear();
  const std::string_view bytes = bytes_;
  for (const Entry& entry : entries_) {
    Header header{.name = bytes.substr(entry.begin, entry.name_size), .value = std::nullopt};
    if (entry.value_size.has_value()) header.value = bytes.substr(entry.begin + entry.name_size, *entry.value_size);
    view_.push_back(header);
  }
  return view_;
}

}  // namespace daybook::cloudevents
