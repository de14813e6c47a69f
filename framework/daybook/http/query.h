#ifndef DAYBOOK_HTTP_QUERY_H_
#define DAYBOOK_HTTP_QUERY_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace daybook::http {

// What to do with a query string that is not well-formed.
enum class QuerySyntax {
  kStrict,   // a bad percent escape, bad UTF-8 or NUL is kInvalidArgument
  kLenient,  // as Django reads it: bad escapes stand for themselves, bad UTF-8 becomes U+FFFD; nothing fails but the
             // count
};

// The parameters of a query string: names may repeat, their order is kept, '+' is a space.
//
//   DAYBOOK_ASSIGN_OR_RETURN(Query query, Query::Parse(request.raw_query(), QuerySyntax::kStrict));
//   std::string_view page = query.Last("page").value_or("1");
//   for (const auto& [name, value] : query.items()) …
//
// Thread safety: a value type. Views live as long as the Query, unmoved.
// Invariants:
//  1. items() holds every parameter, in the order written; "a" and "a=" are both {"a", ""}; empty pieces ("&&") are
//  none.
//  2. Names and values are percent-decoded once and are valid UTF-8.
class Query {
 public:
  // `raw` is what follows the '?', still encoded. kInvalidArgument: more than 1,000 parameters, or see QuerySyntax;
  // the message names the parameter.
  static absl::StatusOr<Query> Parse(std::string_view raw, QuerySyntax syntax);

  Query() = default;

  bool Has(std::string_view name) const { return Last(name).has_value(); }

  // The last value of `name`, as Django's QueryDict.get; nullopt if there is none.
  std::optional<std::string_view> Last(std::string_view name) const;

  // Every value of `name`, in order.
  std::vector<std::string_view> All(std::string_view name) const;

  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

// Decodes %XX in one path segment or parameter name. kInvalidArgument: an escape that is not two hexadecimal digits,
// a result that is not UTF-8, or NUL.
absl::StatusOr<std::string> PercentDecode(std::string_view text);

// Encodes every byte but the unreserved ones (RFC 3986 §2.3), so that the result is one path segment or query value.
std::string PercentEncode(std::string_view text);

}  // namespace daybook::http

#endif  // DAYBOOK_HTTP_QUERY_H_
