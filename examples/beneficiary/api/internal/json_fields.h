#ifndef BENEFICIARY_API_INTERNAL_JSON_FIELDS_H_
#define BENEFICIARY_API_INTERNAL_JSON_FIELDS_H_

#include <boost/json/value.hpp>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daybook/core/decision.h"

namespace beneficiary::api::internal {

// Takes a JSON object apart, field by field, and remembers everything that is wrong with it.
//
//   Fields fields(body, "", malformed);
//   details.set_name(fields.Text("name").value_or(""));
//   fields.RejectOthers();
//
// Thread safety: one thread. The value and the list outlive it.
// Invariants: a finding names its place as a JSON pointer (RFC 6901); reading goes on after one.
class Fields {
 public:
  // Anything but an object is a finding, and then every field reads as absent.
  Fields(const boost::json::value& value, std::string pointer, std::vector<daybook::Violation>& malformed);

  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  // Present and null.
  bool IsNull(std::string_view name) const;

  // A text. nullopt: absent, null, or (a finding) something else.
  std::optional<std::string> Text(std::string_view name);
  // The same in a merge patch, where null clears: "" for null.
  std::optional<std::string> PatchText(std::string_view name);
  std::optional<bool> Bool(std::string_view name);
  // An array of texts; null reads as empty.
  std::optional<std::vector<std::string>> Texts(std::string_view name);
  // An object or null; nullptr: absent, or (a finding) something else.
  const boost::json::value* ObjectOrNull(std::string_view name);
  // The elements of an array with their pointers; null and absent read as empty.
  std::vector<std::pair<const boost::json::value*, std::string>> Elements(std::string_view name);

  // Every field that was not asked for is a finding.
  void RejectOthers();

  std::string PointerTo(std::string_view name) const;
  void Malformed(std::string_view name, std::string_view code, std::string_view detail);

 private:
  const boost::json::value* Find(std::string_view name) const;
  // Find, and the name is a known one from now on.
  const boost::json::value* Take(std::string_view name);

  const boost::json::object* object_ = nullptr;
  std::string pointer_;
  std::vector<daybook::Violation>& malformed_;
  std::vector<std::string> known_;
};

// One step of a JSON pointer, escaped (RFC 6901 section 3).
std::string PointerStep(std::string_view name);

}  // namespace beneficiary::api::internal

#endif  // BENEFICIARY_API_INTERNAL_JSON_FIELDS_H_
