#ifndef BENEFICIARY_SWITCH_COMPARISON_H_
#define BENEFICIARY_SWITCH_COMPARISON_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daybook/http/client.h"

namespace beneficiary::switching {

struct ComparisonRules {
  // Headers that matter; absent on both sides is equal.
  std::vector<std::string> headers = {"Content-Type", "X-Total-Count", "X-Page", "X-Page-Size"};
  // JSON pointers whose values, and all below them, are not compared; "*" stands for any one segment.
  std::vector<std::string> ignored;
  // Elements of an array are matched by the first of these members that all of them have, each with another value; else
  // by index.
  std::vector<std::string> identities = {"beneficiary_id", "account_id"};
  std::size_t differences_max = 64;
};

// One place where two answers differ.
struct Difference {
  enum class Kind : std::uint8_t {
    kStatus,
    kHeader,
    kValue,        // both have it, with other values
    kOnlyBos,      // a member or an element that Daybook lacks
    kOnlyDaybook,  // one that BOS lacks
    kOrder,        // the same members or elements in another order
    kText,         // equal values written differently, or bodies that are no JSON
  };

  Kind kind;
  std::string place;    // the same over several answers: "status", "header X-Page", "/beneficiary_id=12/name"
  std::string pattern;  // without ids and indices, for counting: "/*/name"
  std::string pointer;  // the JSON pointer (RFC 6901) in BOS's body, or in Daybook's where only that has it
  std::string bos;      // the value as JSON text; "" = absent
  std::string daybook;
};

std::string_view KindName(Difference::Kind kind);

struct Comparison {
  std::vector<Difference> differences;
  std::size_t differences_left_out = 0;  // beyond differences_max
  std::size_t values_ignored = 0;        // differing values that a rule ignores

  bool equal() const { return differences.empty(); }
};

// What makes two answers to one request differ: the status alone if it differs, else the headers of `rules` and the
// bodies. Equal bytes are equal; other bytes are compared as JSON, value by value and in order.
//
//   Comparison comparison = Compare(bos, daybook, rules);
//   for (const Difference& difference : comparison.differences) …
//
// A pure function; from any thread. Cost: linear in the bodies. Bodies that are no JSON, or nested deeper than 32, are
// compared as text. Where rules ignored a difference, blanks and escapes between the values are not compared.
Comparison Compare(const daybook::http::ClientResponse& bos, const daybook::http::ClientResponse& daybook,
                   const ComparisonRules& rules);

// Decides whether a difference was lag: both sides are asked again, and each place counts as caught up when it differs
// no more, or when Daybook shows there what BOS had shown at an earlier check (BOS has moved on meanwhile).
//
//   Settlement settlement(first);
//   bool lag = settlement.Check(Compare(bos_again, daybook_again, rules));
//
// Thread safety: one thread at a time.
class Settlement {
 public:
  explicit Settlement(const Comparison& first);

  // Takes the next check's result; true once every place of the first has been caught up. New places do not count: they
  // are younger.
  bool Check(const Comparison& next);

  // The places not caught up yet, as last seen.
  std::vector<Difference> open() const;

 private:
  struct Place {
    Difference last;
    std::set<std::string> bos_values;
  };
  std::map<std::string, Place> open_;
};

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_COMPARISON_H_
