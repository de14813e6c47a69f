#include "scenarios/notes.h"

#include "absl/strings/str_cat.h"

namespace daybook::bench {

int NotesNumber(std::uint64_t i) {
  // A multiplicative walk visits all of them in an order that no cache can guess.
  return static_cast<int>(i * 7919 % kAggregates);
}

std::string NotesKey(std::uint64_t i) { return absl::StrCat("aggregate-", NotesNumber(i)); }

}  // namespace daybook::bench
