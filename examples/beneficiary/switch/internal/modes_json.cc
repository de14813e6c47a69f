#include "beneficiary/switch/internal/modes_json.h"

#include <boost/json/parse.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "beneficiary/switch/internal/json_text.h"
#include "daybook/base/status.h"

namespace beneficiary::switching::internal {
namespace {

namespace json = boost::json;

constexpr std::int64_t kFormat = 1;

json::value OptionalMode(const std::optional<Mode>& mode) {
  return mode ? json::value(JsonText(ModeName(*mode))) : json::value(nullptr);
}

absl::StatusOr<Mode> ReadMode(const json::value& value) {
  const json::string* name = value.if_string();
  const std::optional<Mode> mode = name == nullptr ? std::nullopt : ParseMode(ToView(*name));
  if (!mode) return absl::DataLossError("a mode that is none");
  return *mode;
}

absl::StatusOr<std::optional<Mode>> ReadOptionalMode(const json::value& value) {
  if (value.is_null()) return std::optional<Mode>();
  DAYBOOK_ASSIGN_OR_RETURN(const Mode mode, ReadMode(value));
  return std::optional<Mode>(mode);
}

// The member, or null if there is none.
const json::value& Member(const json::object& object, const char* name) {
  static const json::value kNull;
  const json::value* found = object.if_contains(name);
  return found == nullptr ? kNull : *found;
}

absl::StatusOr<std::string> ReadText(const json::value& value) {
  const json::string* text = value.if_string();
  if (text == nullptr) return absl::DataLossError("a text that is none");
  return std::string(text->data(), text->size());
}

absl::StatusOr<ModeChange> ReadChange(const json::value& value) {
  const json::object* object = value.if_object();
  if (object == nullptr) return absl::DataLossError("a change that is no object");
  ModeChange change;
  DAYBOOK_ASSIGN_OR_RETURN(const std::string at, ReadText(Member(*object, "at")));
  DAYBOOK_ASSIGN_OR_RETURN(change.at, daybook::ParseTimestamp(at));
  DAYBOOK_ASSIGN_OR_RETURN(change.client, ReadText(Member(*object, "client")));
  DAYBOOK_ASSIGN_OR_RETURN(change.from, ReadOptionalMode(Member(*object, "from")));
  DAYBOOK_ASSIGN_OR_RETURN(change.to, ReadOptionalMode(Member(*object, "to")));
  DAYBOOK_ASSIGN_OR_RETURN(change.by, ReadText(Member(*object, "by")));
  DAYBOOK_ASSIGN_OR_RETURN(change.reason, ReadText(Member(*object, "reason")));
  return change;
}

absl::StatusOr<Modes> ReadModes(const json::object& object) {
  Modes modes;
  const json::value& count = Member(object, "change_count");
  if (!count.is_int64() || count.get_int64() < 0) return absl::DataLossError("no change_count");
  modes.change_count = static_cast<std::uint64_t>(count.get_int64());
  DAYBOOK_ASSIGN_OR_RETURN(modes.for_all, ReadMode(Member(object, "for_all")));
  const json::object* clients = Member(object, "clients").if_object();
  const json::array* changes = Member(object, "changes").if_array();
  if (clients == nullptr || changes == nullptr) return absl::DataLossError("no clients or no changes");
  for (const auto& [client, value] : *clients) {
    DAYBOOK_ASSIGN_OR_RETURN(const Mode mode, ReadMode(value));
    modes.for_clients.emplace(std::string(client.data(), client.size()), mode);
  }
  for (const json::value& value : *changes) {
    DAYBOOK_ASSIGN_OR_RETURN(ModeChange change, ReadChange(value));
    modes.changes.push_back(std::move(change));
  }
  return modes;
}

}  // namespace

json::object ModesToJson(const Modes& modes) {
  json::object clients;
  for (const auto& [client, mode] : modes.for_clients) clients[JsonText(client)] = JsonText(ModeName(mode));
  json::array changes;
  for (const ModeChange& change : modes.changes) {
    changes.push_back(json::object{{"at", JsonText(daybook::FormatTimestamp(change.at))},
                                   {"client", JsonText(change.client)},
                                   {"from", OptionalMode(change.from)},
                                   {"to", OptionalMode(change.to)},
                                   {"by", JsonText(change.by)},
                                   {"reason", JsonText(change.reason)}});
  }
  return json::object{{"format", kFormat},
                      {"change_count", modes.change_count},
                      {"for_all", JsonText(ModeName(modes.for_all))},
                      {"clients", std::move(clients)},
                      {"changes", std::move(changes)}};
}

absl::StatusOr<Modes> ModesFromJson(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(JsonText(text), error);
  if (error) return absl::DataLossError(absl::StrCat("no JSON: ", error.message()));
  const json::object* object = value.if_object();
  if (object == nullptr || !Member(*object, "format").is_int64()) return absl::DataLossError("no format");
  if (Member(*object, "format").get_int64() != kFormat) {
    return absl::FailedPreconditionError("an unknown format: it was written by another version of the switch");
  }
  return ReadModes(*object);
}

}  // namespace beneficiary::switching::internal
