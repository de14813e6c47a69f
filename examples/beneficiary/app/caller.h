#ifndef BENEFICIARY_APP_CALLER_H_
#define BENEFICIARY_APP_CALLER_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace beneficiary {

// A set of clients, by client_id: all there are, or those named.
//
//   ClientSet::Of({"EBPCLI000042"}).Contains("EBPCLI000042")
//
// Thread safety: a value type.
class ClientSet {
 public:
  ClientSet() = default;  // none
  static ClientSet All();
  // Equal ones count once.
  static ClientSet Of(std::vector<std::string> client_ids);

  bool Contains(std::string_view client_id) const;
  // True of All() only: whoever may have every client may know too that there is none.
  bool IsAll() const { return all_; }

 private:
  bool all_ = false;
  std::vector<std::string> ids_;  // sorted
};

// Who asks, and for whom: what the edge took from the request, once for each. Everything that the service tells or
// changes, it does for a caller.
//
// Thread safety: a value type.
struct Caller {
  std::string name = "anonymous";
  ClientSet readable;
  ClientSet writable;

  // For whom nothing is held back, as where no header says which clients a caller may read or write.
  static Caller Unlimited(std::string name = "anonymous") {
    return {std::move(name), ClientSet::All(), ClientSet::All()};
  }
};

}  // namespace beneficiary

#endif  // BENEFICIARY_APP_CALLER_H_
