#ifndef BENEFICIARY_SWITCH_MODE_H_
#define BENEFICIARY_SWITCH_MODE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace beneficiary::switching {

// The two services that can answer client/beneficiaries.
enum class Side : std::uint8_t { kBos, kDaybook };

constexpr Side OtherSide(Side side) { return side == Side::kBos ? Side::kDaybook : Side::kBos; }
constexpr std::string_view SideName(Side side) { return side == Side::kBos ? "bos" : "daybook"; }

// Who answers, and whether the other one is asked too and compared. The order is that of a switch-over.
enum class Mode : std::uint8_t { kBos, kShadow, kDaybookShadowed, kDaybook };

inline constexpr std::array<Mode, 4> kModes = {Mode::kBos, Mode::kShadow, Mode::kDaybookShadowed, Mode::kDaybook};

// "bos", "shadow", "daybook-shadowed", "daybook".
constexpr std::string_view ModeName(Mode mode) {
  constexpr std::array<std::string_view, 4> kNames = {"bos", "shadow", "daybook-shadowed", "daybook"};
  return kNames[static_cast<std::size_t>(mode)];
}

constexpr std::optional<Mode> ParseMode(std::string_view name) {
  for (const Mode mode : kModes) {
    if (ModeName(mode) == name) return mode;
  }
  return std::nullopt;
}

constexpr Side ChosenSide(Mode mode) {
  return mode == Mode::kBos || mode == Mode::kShadow ? Side::kBos : Side::kDaybook;
}
constexpr bool Compares(Mode mode) { return mode == Mode::kShadow || mode == Mode::kDaybookShadowed; }

}  // namespace beneficiary::switching

#endif  // BENEFICIARY_SWITCH_MODE_H_
