#include "daybook/http/router.h"

#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/strings.h"
#include "daybook/http/query.h"

namespace daybook::http {
namespace {

constexpr std::size_t kMethods = static_cast<std::size_t>(Method::kOther);

struct StoredRoute {
  Router::Route route;
  std::vector<std::string> param_names;
};

// One place in the tree of templates.
struct Node {
  StringMap<std::unique_ptr<Node>> literals;  // by segment, verb included
  std::unique_ptr<Node> parameter;            // {name}
  StringMap<std::unique_ptr<Node>> verbs;     // {name}:verb, by verb
  std::array<std::unique_ptr<StoredRoute>, kMethods> routes;

  bool IsEnd() const {
    for (const auto& route : routes) {
      if (route != nullptr) return true;
    }
    return false;
  }

  const StoredRoute* For(Method method) const {
    if (method == Method::kOther) return nullptr;
    const auto& own = routes[static_cast<std::size_t>(method)];
    if (own == nullptr && method == Method::kHead) return For(Method::kGet);
    return own.get();
  }

  std::string Allow() const {
    std::string allow;
    for (std::size_t i = 0; i < kMethods; ++i) {
      if (For(static_cast<Method>(i)) == nullptr) continue;
      absl::StrAppend(&allow, allow.empty() ? "" : ", ", ToAbsl(MethodName(static_cast<Method>(i))));
    }
    return allow;
  }
};

using Segments = absl::InlinedVector<std::string_view, 12>;

// A deeper path than any template has cannot match, and is not worth splitting.
constexpr std::size_t kSegmentsMax = 64;

Segments Split(std::string_view path) {
  Segments segments;
  while (!path.empty() && segments.size() <= kSegmentsMax) {
    path.remove_prefix(1);  // the slash
    segments.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(segments.back().size());
  }
  return segments;
}

bool IsNameChar(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

// Of a literal segment and of a verb: characters that stand for themselves in a path.
bool IsLiteralChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("-._~:@!$&'()*+,;=").find(c) != std::string_view::npos;
}

bool AllOf(std::string_view text, bool (*predicate)(char)) {
  for (const char c : text) {
    if (!predicate(c)) return false;
  }
  return true;
}

std::unique_ptr<Node>& Child(StringMap<std::unique_ptr<Node>>& children, std::string_view key) {
  std::unique_ptr<Node>& child = children[std::string(key)];
  if (child == nullptr) child = std::make_unique<Node>();
  return child;
}

// The longest-lived answer of a search: where it ended and what the parameters stand for.
struct Found {
  const Node* node = nullptr;
  absl::InlinedVector<std::string_view, 4> values;
};

const Node* Literal(const Node& node, std::string_view segment) {
  const auto it = node.literals.find(segment);
  if (it != node.literals.end()) return it->second.get();
  if (segment.find('%') == std::string_view::npos) return nullptr;
  // An escaped letter is the letter (RFC 3986 §6.2.2.2).
  const absl::StatusOr<std::string> decoded = PercentDecode(segment);
  if (!decoded.ok()) return nullptr;
  const auto decoded_it = node.literals.find(*decoded);
  return decoded_it == node.literals.end() ? nullptr : decoded_it->second.get();
}

bool Search(const Node& node, const Segments& segments, std::size_t depth, Found& found) {
  if (depth == segments.size()) {
    if (!node.IsEnd()) return false;
    found.node = &node;
    return true;
  }
  const std::string_view segment = segments[depth];
  const Node* literal = Literal(node, segment);
  if (literal != nullptr && Search(*literal, segments, depth + 1, found)) return true;
  const std::size_t colon = segment.rfind(':');
  if (depth + 1 == segments.size() && colon != std::string_view::npos && colon > 0 && !node.verbs.empty()) {
    const auto verb = node.verbs.find(segment.substr(colon + 1));
    if (verb != node.verbs.end()) {
      found.values.push_back(segment.substr(0, colon));
      found.node = verb->second.get();
      return true;
    }
  }
  if (node.parameter == nullptr || segment.empty()) return false;
  found.values.push_back(segment);
  if (Search(*node.parameter, segments, depth + 1, found)) return true;
  found.values.pop_back();
  return false;
}

}  // namespace

struct Router::Impl {
  Node root;
  absl::Status status;

  absl::Status Add(Route route);
  // Goes down one segment of a template, making the nodes it lacks; null: malformed.
  enum class Place { kInner, kLast };
  static Node* Descend(Node& node, std::string_view segment, Place place, std::vector<std::string>& names);
};

Node* Router::Impl::Descend(Node& node, std::string_view segment, Place place, std::vector<std::string>& names) {
  if (segment.empty() || segment.front() != '{') {
    if (!AllOf(segment, IsLiteralChar) || (segment.empty() && place != Place::kLast)) return nullptr;
    return Child(node.literals, segment).get();
  }
  const std::size_t close = segment.find('}');
  if (close == std::string_view::npos || close == 1) return nullptr;
  const std::string_view name = segment.substr(1, close - 1);
  if (!AllOf(name, IsNameChar)) return nullptr;
  for (const std::string& other : names) {
    if (other == name) return nullptr;
  }
  names.emplace_back(name);
  const std::string_view rest = segment.substr(close + 1);
  if (rest.empty()) {
    if (node.parameter == nullptr) node.parameter = std::make_unique<Node>();
    return node.parameter.get();
  }
  if (place != Place::kLast || rest.size() < 2 || rest.front() != ':') return nullptr;
  if (!AllOf(rest.substr(1), IsLiteralChar) || rest.find(':', 1) != std::string_view::npos) return nullptr;
  return Child(node.verbs, rest.substr(1)).get();
}

absl::Status Router::Impl::Add(Route route) {
  const auto malformed = [&] {
    return absl::InvalidArgumentError(absl::StrCat("route ", ToAbsl(MethodName(route.method)), " \"",
                                                   route.path_template, "\" is malformed: see http/router.h"));
  };
  if (route.method == Method::kOther || !route.path_template.starts_with('/')) return malformed();
  const Segments segments = Split(route.path_template);
  if (segments.size() > kSegmentsMax) return malformed();
  Node* node = &root;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    node = Descend(*node, segments[i], i + 1 == segments.size() ? Place::kLast : Place::kInner, names);
    if (node == nullptr) return malformed();
  }
  auto& place = node->routes[static_cast<std::size_t>(route.method)];
  if (place != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("route ", ToAbsl(MethodName(route.method)), " \"", route.path_template,
                                                 "\" is taken by \"", place->route.path_template, "\""));
  }
  place = std::make_unique<StoredRoute>(StoredRoute{std::move(route), std::move(names)});
  return absl::OkStatus();
}

Router::Router() : impl_(std::make_unique<Impl>()) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

Router& Router::Add(Method method, std::string_view path_template, Handler handler, RouteOptions options) {
  impl_->status.Update(impl_->Add(Route{method, std::string(path_template), std::move(handler), options}));
  return *this;
}

absl::Status Router::status() const { return impl_->status; }

Router::Match Router::Find(Method method, std::string_view path) const {
  Match match;
  Found found;
  const Segments segments = path.starts_with('/') ? Split(path) : Segments();
  if (segments.empty() || segments.size() > kSegmentsMax || !Search(impl_->root, segments, 0, found)) {
    match.failure = StatusCode::kNotFound;
    return match;
  }
  const StoredRoute* stored = found.node->For(method);
  if (stored == nullptr) {
    match.failure = StatusCode::kMethodNotAllowed;
    match.allow = found.node->Allow();
    return match;
  }
  for (std::size_t i = 0; i < found.values.size(); ++i) {
    absl::StatusOr<std::string> value = PercentDecode(found.values[i]);
    if (!value.ok()) {
      match.failure = StatusCode::kBadRequest;
      return match;
    }
    match.params.emplace_back(stored->param_names[i], *std::move(value));
  }
  match.route = &stored->route;
  return match;
}

}  // namespace daybook::http
