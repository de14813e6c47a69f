#include "daybook/store/event_store.h"

#include "absl/strings/str_cat.h"

namespace daybook::store {

bool ExpectedRevision::Admits(Revision head) const {
  switch (kind_) {
    case Kind::kAny:
      return true;
    case Kind::kNoStream:
      return head == Revision();
    case Kind::kExists:
      return head != Revision();
    case Kind::kExactly:
      return head == revision_;
  }
  return false;
}

std::string ExpectedRevision::ToString() const {
  switch (kind_) {
    case Kind::kAny:
      return "any";
    case Kind::kNoStream:
      return "no stream";
    case Kind::kExists:
      return "exists";
    case Kind::kExactly:
      return absl::StrCat("revision ", revision_.value());
  }
  return "invalid";
}

}  // namespace daybook::store
