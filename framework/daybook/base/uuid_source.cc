#include "daybook/base/uuid_source.h"

#include <algorithm>
#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/random_generator.hpp>

namespace daybook {
namespace {

class SystemUuidSource final : public UuidSource {
 public:
  Uuid New(Timestamp now) override {
    static thread_local boost::uuids::random_generator generator;
    const boost::uuids::uuid random = generator();
    std::array<std::uint8_t, Uuid::kSize> bytes;
    std::copy(random.begin(), random.end(), bytes.begin());
    // RFC 9562 section 5.7: 48 bits of milliseconds, the version, and 74 random bits with the variant among them.
    const auto ms = static_cast<std::uint64_t>(now.millis());
    for (int i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x70);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
    return Uuid(bytes);
  }
};

class SystemIds final : public NameBasedIds {
 public:
  Uuid Derive(const Uuid& name_space, std::string_view name) const override { return NameBasedUuid(name_space, name); }
};

}  // namespace

UuidSource& UuidSource::System() {
  static SystemUuidSource* const source = new SystemUuidSource;
  return *source;
}

Uuid NameBasedUuid(const Uuid& name_space, std::string_view name) {
  boost::uuids::uuid ns;
  std::copy(name_space.bytes().begin(), name_space.bytes().end(), ns.begin());
  const boost::uuids::uuid made = boost::uuids::name_generator_sha1(ns)(name.data(), name.size());
  std::array<std::uint8_t, Uuid::kSize> bytes;
  std::copy(made.begin(), made.end(), bytes.begin());
  return Uuid(bytes);
}

const NameBasedIds& SystemNameBasedIds() {
  static const SystemIds* const ids = new SystemIds;
  return *ids;
}

const Uuid kUuidNamespaceDns = *Uuid::Parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");

std::optional<Timestamp> TimeOfUuid(const Uuid& id) {
  if (id.version() != 7) return std::nullopt;
  std::int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms << 8 | id.bytes()[i];
  return Timestamp::FromMillis(ms);
}

}  // namespace daybook
