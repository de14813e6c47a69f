#include "payee/directory.h"

#include <optional>
#include <string>

namespace payee {

// [on]
void Directory::On(const daybook::Recorded<v1::Registered>& recorded, daybook::ViewWriter& out) {
  v1::Entry entry;
  entry.set_id(std::string(recorded.stream.key()));
  entry.set_name(recorded.event.name());
  out.Put(recorded.stream.key(), entry.SerializeAsString());
}

void Directory::On(const daybook::Recorded<v1::Suspended>& recorded, daybook::ViewWriter& out) {
  const std::optional<std::string> stored = out.Get(recorded.stream.key());
  v1::Entry entry;
  if (!stored.has_value() || !entry.ParseFromString(*stored)) return out.Fail("suspended, but not in the directory");
  entry.set_suspended_because(recorded.event.reason());
  out.Put(recorded.stream.key(), entry.SerializeAsString());
}
// [on]

}  // namespace payee
