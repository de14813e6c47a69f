#ifndef DAYBOOK_BASE_UUID_SOURCE_H_
#define DAYBOOK_BASE_UUID_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "daybook/base/clock.h"
#include "daybook/core/context.h"
#include "daybook/core/uuid.h"

namespace daybook {

// Makes new unique ids. Tests give a counting one (testing/fake_ids.h).
//
// Thread safety: every method from any thread.
class UuidSource {
 public:
  virtual ~UuidSource() = default;

  // A time-ordered id (RFC 9562 version 7) with the milliseconds of `now`.
  virtual Uuid New(Timestamp now) = 0;

  // Random ids from the operating system's entropy; lives for ever.
  static UuidSource& System();
};

// RFC 9562 version 5: SHA-1 of name space and name.
//
//   Uuid n = NameBasedUuid(kUuidNamespaceDns, "beneficiary.daybook");
Uuid NameBasedUuid(const Uuid& name_space, std::string_view name);

// NameBasedUuid behind the interface that core/context.h gives to deciders; lives for ever.
const NameBasedIds& SystemNameBasedIds();

// The name space of RFC 9562 appendix: 6ba7b810-9dad-11d1-80b4-00c04fd430c8.
extern const Uuid kUuidNamespaceDns;

// The milliseconds in a version 7 id; nullopt for other versions.
std::optional<Timestamp> TimeOfUuid(const Uuid& id);

}  // namespace daybook

#endif  // DAYBOOK_BASE_UUID_SOURCE_H_
