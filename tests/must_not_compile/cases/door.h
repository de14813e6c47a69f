// A whole aggregate, its projection and its process manager, for the cases to take something from.
#ifndef DOOR_H_
#define DOOR_H_

#include <string_view>
#include <variant>

#include "daybook/core/aggregate.h"
#include "daybook/core/process_manager.h"
#include "daybook/core/projection.h"

struct Open {};
struct Close {};
struct Opened {};
struct Closed {};
struct Painted {};  // no event of the door

using DoorDecision = daybook::Decision<std::variant<Opened, Closed>>;

struct DoorTypes {
  static constexpr std::string_view kCategory = "door";
  struct State {};
  using Command = std::variant<Open, Close>;
  using Event = std::variant<Opened, Closed>;
};

#endif  // DOOR_H_
