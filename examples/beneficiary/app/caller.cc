#include "beneficiary/app/caller.h"

#include <algorithm>

namespace beneficiary {

ClientSet ClientSet::All() {
  ClientSet set;
  set.all_ = true;
  return set;
}

ClientSet ClientSet::Of(std::vector<std::string> client_ids) {
  ClientSet set;
  set.ids_ = std::move(client_ids);
  std::sort(set.ids_.begin(), set.ids_.end());
  set.ids_.erase(std::unique(set.ids_.begin(), set.ids_.end()), set.ids_.end());
  return set;
}

bool ClientSet::Contains(std::string_view client_id) const {
  return all_ || std::binary_search(ids_.begin(), ids_.end(), client_id);
}

}  // namespace beneficiary
