#include "beneficiary/api/internal/canonical_json.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

namespace beneficiary::api::internal {

namespace json = boost::json;

namespace {

// Order of UTF-16 code units, taken from UTF-8: it differs from byte order only where one side is a supplementary
// character (lead byte 0xF0 and up, two surrogates in UTF-16) and the other one lies in U+E000..U+FFFF (0xEE, 0xEF).
bool Utf16Less(std::string_view a, std::string_view b) {
  const std::size_t n = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < n; ++i) {
    const auto x = static_cast<unsigned char>(a[i]);
    const auto y = static_cast<unsigned char>(b[i]);
    if (x == y) continue;
    const bool x_is_pair = x >= 0xf0;
    const bool y_is_pair = y >= 0xf0;
    if (x_is_pair != y_is_pair) {
      if (x_is_pair && y >= 0xee) return true;
      if (y_is_pair && x >= 0xee) return false;
    }
    return x < y;
  }
  return a.size() < b.size();
}

void AppendText(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out.push_back(kHex[(c >> 4) & 15]);
          out.push_back(kHex[c & 15]);
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

template <class Number>
void AppendNumber(Number number, std::string& out) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, end);
}

void Append(const json::value& value, std::string& out);

void AppendObject(const json::object& object, std::string& out) {
  std::vector<const json::key_value_pair*> members;
  members.reserve(object.size());
  for (const json::key_value_pair& member : object) members.push_back(&member);
  std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) {
    return Utf16Less({a->key().data(), a->key().size()}, {b->key().data(), b->key().size()});
  });
  out.push_back('{');
  for (const json::key_value_pair* member : members) {
    if (out.back() != '{') out.push_back(',');
    AppendText({member->key().data(), member->key().size()}, out);
    out.push_back(':');
    Append(member->value(), out);
  }
  out.push_back('}');
}

void Append(const json::value& value, std::string& out) {
  switch (value.kind()) {
    case json::kind::null:
      out += "null";
      break;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case json::kind::int64:
      AppendNumber(value.get_int64(), out);
      break;
    case json::kind::uint64:
      AppendNumber(value.get_uint64(), out);
      break;
    case json::kind::double_:
      AppendNumber(value.get_double(), out);
      break;
    case json::kind::string:
      AppendText({value.get_string().data(), value.get_string().size()}, out);
      break;
    case json::kind::array: {
      out.push_back('[');
      bool first = true;
      for (const json::value& element : value.get_array()) {
        if (!first) out.push_back(',');
        first = false;
        Append(element, out);
      }
      out.push_back(']');
      break;
    }
    case json::kind::object:
      AppendObject(value.get_object(), out);
      break;
  }
}

}  // namespace

std::string CanonicalJson(const json::value& value) {
  std::string out;
  Append(value, out);
  return out;
}

}  // namespace beneficiary::api::internal
