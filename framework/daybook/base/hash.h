#ifndef DAYBOOK_BASE_HASH_H_
#define DAYBOOK_BASE_HASH_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace daybook {

// XXH3 (https://github.com/Cyan4973/xxHash), for checksums and derived ids that reach the disk; not cryptographic.
std::uint64_t Hash64(std::string_view bytes);
std::array<std::uint8_t, 16> Hash128(std::string_view bytes);

// SHA-256 (FIPS 180-4): 32 raw bytes; for fingerprints of what a caller sent.
std::string Sha256(std::string_view bytes);

// Lower-case hexadecimal.
std::string ToHex(std::string_view bytes);

}  // namespace daybook

#endif  // DAYBOOK_BASE_HASH_H_
