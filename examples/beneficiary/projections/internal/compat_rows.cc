#include "beneficiary/projections/internal/compat_rows.h"

#include "daybook/base/strings.h"

namespace beneficiary::internal {

namespace {
std::string Key(char kind, std::string_view instance, std::string_view client_id) {
  std::string out(1, kind);
  daybook::AppendLengthPrefixed(out, instance);
  daybook::AppendLengthPrefixed(out, client_id);
  return out;
}
}  // namespace

std::string CompatClientKey(std::string_view instance, std::string_view client_id) {
  return Key('c', instance, client_id);
}

std::string EncodeCompatClient(const CompatClient& client) {
  std::string out;
  daybook::AppendBigEndian64(out, client.changed.value());
  daybook::AppendBigEndian64(out, client.visible);
  daybook::AppendBigEndian64(out, client.listings);
  return out;
}

std::optional<CompatClient> DecodeCompatClient(std::string_view row) {
  if (row.size() != 24) return std::nullopt;
  CompatClient out;
  out.changed = daybook::Position(daybook::ReadBigEndian64(row.data()));
  out.visible = daybook::ReadBigEndian64(row.data() + 8);
  out.listings = daybook::ReadBigEndian64(row.data() + 16);
  return out;
}

std::string CompatRowPrefix(std::string_view instance, std::string_view client_id) {
  return Key('r', instance, client_id);
}

std::string CompatIbanPrefix(std::string_view instance, std::string_view client_id, std::string_view iban) {
  std::string out = Key('i', instance, client_id);
  daybook::AppendLengthPrefixed(out, iban);
  return out;
}

std::string CompatInstanceKey(std::string_view instance) { return std::string(kCompatInstancePrefix).append(instance); }

}  // namespace beneficiary::internal
