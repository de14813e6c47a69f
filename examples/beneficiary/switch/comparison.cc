#include "beneficiary/switch/comparison.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "beneficiary/switch/internal/json_text.h"
#include "daybook/base/strings.h"

namespace beneficiary::switching {

namespace http = daybook::http;
namespace json = boost::json;
using daybook::ToAbsl;
using internal::JsonText;
using internal::ToView;
using Kind = Difference::Kind;

namespace {

std::string Escape(std::string_view segment) {
  return absl::StrReplaceAll(ToAbsl(segment), {{"~", "~0"}, {"/", "~1"}});
}

// Where the walk is, in the three forms that a Difference names it by.
struct Path {
  std::string place;
  std::string pattern;
  std::string pointer;
  std::vector<std::string> segments;  // of the pointer, for the rules

  Path Member(std::string_view name) const {
    const std::string part = "/" + Escape(name);
    Path next{place + part, pattern + part, pointer + part, segments};
    next.segments.emplace_back(name);
    return next;
  }
  Path Element(std::size_t index, const std::string& identity) const {
    const std::string number = absl::StrCat(index);
    Path next{absl::StrCat(place, "/", identity.empty() ? number : identity), pattern + "/*",
              absl::StrCat(pointer, "/", number), segments};
    next.segments.push_back(number);
    return next;
  }
};

using IgnoredPointers = std::vector<std::vector<std::string>>;

IgnoredPointers SplitPointers(const std::vector<std::string>& pointers) {
  IgnoredPointers split;
  for (const std::string& pointer : pointers) {
    std::vector<std::string> segments = absl::StrSplit(pointer, '/');
    if (!segments.empty() && segments.front().empty()) segments.erase(segments.begin());
    for (std::string& segment : segments) segment = absl::StrReplaceAll(segment, {{"~1", "/"}, {"~0", "~"}});
    split.push_back(std::move(segments));
  }
  return split;
}

// Identities of the elements of an array, "beneficiary_id=12" each; empty if they have none in common.
std::vector<std::string> IdentitiesOf(const json::array& array, const std::string& member) {
  std::vector<std::string> found;
  std::set<std::string> seen;
  for (const json::value& element : array) {
    const json::object* object = element.if_object();
    const json::value* id = object == nullptr ? nullptr : object->if_contains(member);
    if (id == nullptr || id->is_structured()) return {};
    const std::string text = id->is_string() ? std::string(ToView(id->get_string())) : json::serialize(*id);
    found.push_back(absl::StrCat(member, "=", Escape(text)));
    if (!seen.insert(found.back()).second) return {};
  }
  return found;
}

class Walk {
 public:
  Walk(const ComparisonRules& rules, Comparison& out)
      : rules_(rules), ignored_(SplitPointers(rules.ignored)), out_(out) {}

  void Values(const json::value& bos, const json::value& daybook, const Path& path) {
    if (bos.is_object() && daybook.is_object()) return Objects(bos.get_object(), daybook.get_object(), path);
    if (bos.is_array() && daybook.is_array()) return Arrays(bos.get_array(), daybook.get_array(), path);
    if (bos.kind() == daybook.kind() && bos == daybook) return;
    Add(Kind::kValue, path, json::serialize(bos), json::serialize(daybook));
  }

  void Add(Kind kind, const Path& path, std::string bos, std::string daybook) {
    if (IsIgnored(path)) {
      ++out_.values_ignored;
    } else if (out_.differences.size() >= rules_.differences_max) {
      ++out_.differences_left_out;
    } else {
      out_.differences.push_back({kind, path.place, path.pattern, path.pointer, std::move(bos), std::move(daybook)});
    }
  }

 private:
  bool IsIgnored(const Path& path) const {
    return std::any_of(ignored_.begin(), ignored_.end(), [&](const std::vector<std::string>& pattern) {
      if (pattern.size() > path.segments.size()) return false;
      for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != "*" && pattern[i] != path.segments[i]) return false;
      }
      return true;
    });
  }

  void Objects(const json::object& bos, const json::object& daybook, const Path& path) {
    std::vector<std::string_view> bos_order;
    std::vector<std::string_view> daybook_order;
    for (const auto& [name, value] : bos) {
      const json::value* other = daybook.if_contains(name);
      if (other == nullptr) {
        Add(Kind::kOnlyBos, path.Member(ToView(name)), json::serialize(value), "");
        continue;
      }
      bos_order.push_back(ToView(name));
      // Most members are equal, and their paths are never needed.
      if (value.kind() != other->kind() || value.is_structured() || value != *other) {
        Values(value, *other, path.Member(ToView(name)));
      }
    }
    for (const auto& [name, value] : daybook) {
      if (bos.if_contains(name) != nullptr) {
        daybook_order.push_back(ToView(name));
      } else {
        Add(Kind::kOnlyDaybook, path.Member(ToView(name)), "", json::serialize(value));
      }
    }
    if (bos_order != daybook_order) Add(Kind::kOrder, path, Names(bos_order), Names(daybook_order));
  }

  void Arrays(const json::array& bos, const json::array& daybook, const Path& path) {
    for (const std::string& member : rules_.identities) {
      const std::vector<std::string> bos_ids = IdentitiesOf(bos, member);
      const std::vector<std::string> daybook_ids = IdentitiesOf(daybook, member);
      if (bos_ids.size() != bos.size() || daybook_ids.size() != daybook.size()) continue;
      if (bos_ids.empty() && daybook_ids.empty()) return;
      return ByIdentity(bos, bos_ids, daybook, daybook_ids, path);
    }
    for (std::size_t i = 0; i < std::max(bos.size(), daybook.size()); ++i) {
      const Path at = path.Element(i, "");
      if (i >= daybook.size()) {
        Add(Kind::kOnlyBos, at, json::serialize(bos[i]), "");
      } else if (i >= bos.size()) {
        Add(Kind::kOnlyDaybook, at, "", json::serialize(daybook[i]));
      } else {
        Values(bos[i], daybook[i], at);
      }
    }
  }

  void ByIdentity(const json::array& bos, const std::vector<std::string>& bos_ids, const json::array& daybook,
                  const std::vector<std::string>& daybook_ids, const Path& path) {
    std::map<std::string_view, std::size_t> in_daybook;
    for (std::size_t i = 0; i < daybook_ids.size(); ++i) in_daybook.emplace(daybook_ids[i], i);
    std::set<std::string_view> in_bos(bos_ids.begin(), bos_ids.end());
    std::vector<std::string_view> bos_order;
    std::vector<std::string_view> daybook_order;
    for (std::size_t i = 0; i < bos.size(); ++i) {
      const auto other = in_daybook.find(bos_ids[i]);
      if (other == in_daybook.end()) {
        Add(Kind::kOnlyBos, path.Element(i, bos_ids[i]), json::serialize(bos[i]), "");
        continue;
      }
      bos_order.push_back(bos_ids[i]);
      if (bos[i] != daybook[other->second] || bos[i].is_structured()) {
        Values(bos[i], daybook[other->second], path.Element(i, bos_ids[i]));
      }
    }
    for (std::size_t i = 0; i < daybook.size(); ++i) {
      if (in_bos.contains(daybook_ids[i])) {
        daybook_order.push_back(daybook_ids[i]);
      } else {
        Add(Kind::kOnlyDaybook, path.Element(i, daybook_ids[i]), "", json::serialize(daybook[i]));
      }
    }
    if (bos_order != daybook_order) Add(Kind::kOrder, path, Names(bos_order), Names(daybook_order));
  }

  static std::string Names(const std::vector<std::string_view>& names) {
    json::array list;
    for (const std::string_view name : names) list.emplace_back(JsonText(name));
    return json::serialize(list);
  }

  const ComparisonRules& rules_;
  const IgnoredPointers ignored_;
  Comparison& out_;
};

std::string Quoted(std::string_view text) { return json::serialize(json::value(JsonText(text))); }

void CompareHeaders(const http::ClientResponse& bos, const http::ClientResponse& daybook, const ComparisonRules& rules,
                    Walk& walk) {
  for (const std::string& name : rules.headers) {
    const auto of_bos = bos.Header(name);
    const auto of_daybook = daybook.Header(name);
    if (of_bos == of_daybook) continue;
    const std::string place = "header " + name;
    const Kind kind = Kind::kHeader;
    walk.Add(kind, {place, place, "", {}}, of_bos ? Quoted(*of_bos) : "", of_daybook ? Quoted(*of_daybook) : "");
  }
}

void CompareBodies(const std::string& bos, const std::string& daybook, Walk& walk, const Comparison& out) {
  if (bos == daybook) return;
  boost::system::error_code bos_failed;
  boost::system::error_code daybook_failed;
  const json::value bos_value = json::parse(bos, bos_failed);
  const json::value daybook_value = json::parse(daybook, daybook_failed);
  const Path text{"body", "body", "", {}};
  if (bos_failed || daybook_failed) return walk.Add(Kind::kText, text, Quoted(bos), Quoted(daybook));
  const std::size_t before = out.differences.size() + out.differences_left_out + out.values_ignored;
  walk.Values(bos_value, daybook_value, Path());
  const std::size_t after = out.differences.size() + out.differences_left_out + out.values_ignored;
  if (before == after) walk.Add(Kind::kText, text, Quoted(bos), Quoted(daybook));
}

bool IsBelow(std::string_view place, std::string_view above) {
  return place.size() > above.size() && place.starts_with(above) && place[above.size()] == '/';
}

}  // namespace

std::string_view KindName(Difference::Kind kind) {
  constexpr std::array<std::string_view, 7> kNames = {"status",       "header", "value", "only_bos",
                                                      "only_daybook", "order",  "text"};
  return kNames[static_cast<std::size_t>(kind)];
}

Comparison Compare(const http::ClientResponse& bos, const http::ClientResponse& daybook, const ComparisonRules& rules) {
  Comparison out;
  Walk walk(rules, out);
  if (bos.status != daybook.status) {
    walk.Add(Kind::kStatus, {"status", "status", "", {}}, absl::StrCat(http::ToInt(bos.status)),
             absl::StrCat(http::ToInt(daybook.status)));
    return out;
  }
  CompareHeaders(bos, daybook, rules, walk);
  CompareBodies(bos.body, daybook.body, walk, out);
  return out;
}

Settlement::Settlement(const Comparison& first) {
  for (const Difference& difference : first.differences) {
    open_.emplace(difference.place, Place{difference, {difference.bos}});
  }
}

bool Settlement::Check(const Comparison& next) {
  std::map<std::string_view, const Difference*> now;
  for (const Difference& difference : next.differences) now.emplace(difference.place, &difference);
  const bool statuses_differ = now.contains("status");
  std::map<std::string, Place> still;
  for (auto& [name, place] : open_) {
    const auto same = now.find(name);
    if (same != now.end()) {
      if (place.bos_values.contains(same->second->daybook)) continue;
      place.last = *same->second;
      place.bos_values.insert(same->second->bos);
      still.emplace(name, std::move(place));
      continue;
    }
    // It may have moved up or down: an element that was missing is there now, with another name.
    bool moved = false;
    for (const Difference& difference : next.differences) {
      if (place.last.kind == Kind::kOrder || difference.kind == Kind::kOrder) continue;
      if (!IsBelow(difference.place, name) && !IsBelow(name, difference.place)) continue;
      still.emplace(difference.place, Place{difference, {difference.bos}});
      moved = true;
    }
    // Where nothing can be seen, nothing has been caught up.
    const bool hidden = (statuses_differ && name != "status") || next.differences_left_out > 0;
    if (!moved && hidden) still.emplace(name, std::move(place));
  }
  open_ = std::move(still);
  return open_.empty();
}

std::vector<Difference> Settlement::open() const {
  std::vector<Difference> differences;
  for (const auto& [name, place] : open_) differences.push_back(place.last);
  return differences;
}

}  // namespace beneficiary::switching
