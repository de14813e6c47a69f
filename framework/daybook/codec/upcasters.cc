#include "daybook/codec/upcasters.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "daybook/base/strings.h"

namespace daybook::codec {

Upcasters& Upcasters::AddRaw(std::string from, std::string to, RawFunction function) {
  const auto added = steps_.try_emplace(from, Step{std::move(to), std::move(function)});
  if (!added.second) twice_.push_back(std::move(from));
  return *this;
}

Upcasters& Upcasters::Rename(std::string from, std::string to) {
  return AddRaw(std::move(from), std::move(to), RawFunction());
}

Upcasters& Upcasters::AddReshape(std::string type, ReshapeFunction function) {
  const auto added = reshapes_.try_emplace(type, std::move(function));
  if (!added.second) twice_.push_back(std::move(type));
  return *this;
}

absl::Status Upcasters::Check(const std::vector<std::string>& known) const {
  if (!twice_.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("two upcasters for ", twice_.front(), ": one type has one"));
  }
  const auto is_known = [&](const std::string& type) {
    return std::find(known.begin(), known.end(), type) != known.end();
  };
  for (const auto& reshape : reshapes_) {
    if (!is_known(reshape.first)) {
      return absl::InvalidArgumentError(
          absl::StrCat("Reshape of ", reshape.first, ": it is no event of this aggregate; use Add"));
    }
  }
  for (const auto& start : steps_) {
    if (is_known(start.first)) {
      return absl::InvalidArgumentError(absl::StrCat("upcaster chain ", start.first, " -> ", start.second.to, ": ",
                                                     start.first,
                                                     " is an event of today, which is never upcast; use Reshape"));
    }
    std::string chain = start.first;
    std::set<std::string> seen = {start.first};
    for (const Step* step = &start.second; step != nullptr; step = Find(chain.substr(chain.rfind(' ') + 1))) {
      absl::StrAppend(&chain, " -> ", step->to);
      if (is_known(step->to)) break;
      if (!seen.insert(step->to).second) {
        return absl::InvalidArgumentError(absl::StrCat("upcaster chain ", chain, ": it goes round in a circle"));
      }
      if (Find(step->to) == nullptr) {
        return absl::InvalidArgumentError(absl::StrCat("upcaster chain ", chain, ": ", step->to,
                                                       " is no event of this aggregate and has no upcaster"));
      }
    }
  }
  return absl::OkStatus();
}

const Upcasters::Step* Upcasters::Find(std::string_view type) const {
  const auto it = steps_.find(type);
  return it == steps_.end() ? nullptr : &it->second;
}

const Upcasters::ReshapeFunction* Upcasters::FindReshape(std::string_view type) const {
  const auto it = reshapes_.find(type);
  return it == reshapes_.end() ? nullptr : &it->second;
}

}  // namespace daybook::codec
