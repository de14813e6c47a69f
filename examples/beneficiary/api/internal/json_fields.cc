#include "beneficiary/api/internal/json_fields.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "daybook/base/strings.h"

namespace beneficiary::api::internal {

namespace json = boost::json;
using daybook::ToAbsl;

namespace {

std::string_view KindName(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
    default:
      return "a number";
  }
}

std::string Expected(std::string_view what, const json::value& got) {
  return absl::StrCat("Expected ", ToAbsl(what), ", not ", ToAbsl(KindName(got)), ".");
}

std::string ToString(const json::string& s) { return std::string(s.data(), s.size()); }

}  // namespace

std::string PointerStep(std::string_view name) {
  std::string out = "/";
  for (const char c : name) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

Fields::Fields(const json::value& value, std::string pointer, std::vector<daybook::Violation>& malformed)
    : object_(value.if_object()), pointer_(std::move(pointer)), malformed_(malformed) {
  if (object_ == nullptr) malformed_.push_back({pointer_, "WRONG_TYPE", Expected("an object", value)});
}

std::string Fields::PointerTo(std::string_view name) const { return pointer_ + PointerStep(name); }

void Fields::Malformed(std::string_view name, std::string_view code, std::string_view detail) {
  malformed_.push_back({PointerTo(name), std::string(code), std::string(detail)});
}

const json::value* Fields::Find(std::string_view name) const {
  return object_ == nullptr ? nullptr : object_->if_contains(json::string_view(name.data(), name.size()));
}

const json::value* Fields::Take(std::string_view name) {
  known_.emplace_back(name);
  return Find(name);
}

bool Fields::IsNull(std::string_view name) const {
  const json::value* value = Find(name);
  return value != nullptr && value->is_null();
}

std::optional<std::string> Fields::Text(std::string_view name) {
  const json::value* value = Take(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (const json::string* text = value->if_string()) return ToString(*text);
  Malformed(name, "WRONG_TYPE", Expected("a string", *value));
  return std::nullopt;
}

std::optional<std::string> Fields::PatchText(std::string_view name) {
  if (IsNull(name)) {
    known_.emplace_back(name);
    return "";
  }
  return Text(name);
}

std::optional<bool> Fields::Bool(std::string_view name) {
  const json::value* value = Take(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (const bool* flag = value->if_bool()) return *flag;
  Malformed(name, "WRONG_TYPE", Expected("a boolean", *value));
  return std::nullopt;
}

std::optional<std::vector<std::string>> Fields::Texts(std::string_view name) {
  if (!Has(name)) {
    known_.emplace_back(name);
    return std::nullopt;
  }
  std::vector<std::string> out;
  for (const auto& [value, pointer] : Elements(name)) {
    if (const json::string* text = value->if_string()) {
      out.push_back(ToString(*text));
    } else {
      malformed_.push_back({pointer, "WRONG_TYPE", Expected("a string", *value)});
    }
  }
  return out;
}

const json::value* Fields::ObjectOrNull(std::string_view name) {
  const json::value* value = Take(name);
  if (value == nullptr) return nullptr;
  if (value->is_null() || value->is_object()) return value;
  Malformed(name, "WRONG_TYPE", Expected("an object", *value));
  return nullptr;
}

std::vector<std::pair<const json::value*, std::string>> Fields::Elements(std::string_view name) {
  std::vector<std::pair<const json::value*, std::string>> out;
  const json::value* value = Take(name);
  if (value == nullptr || value->is_null()) return out;
  const json::array* array = value->if_array();
  if (array == nullptr) {
    Malformed(name, "WRONG_TYPE", Expected("an array", *value));
    return out;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    out.emplace_back(&(*array)[i], absl::StrCat(PointerTo(name), "/", i));
  }
  return out;
}

void Fields::RejectOthers() {
  if (object_ == nullptr) return;
  for (const auto& entry : *object_) {
    const std::string_view name(entry.key().data(), entry.key().size());
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      Malformed(name, "UNKNOWN_FIELD", "There is no such field here.");
    }
  }
}

}  // namespace beneficiary::api::internal
