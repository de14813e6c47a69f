#ifndef DAYBOOK_RUNTIME_TESTS_ACCOUNT_H_
#define DAYBOOK_RUNTIME_TESTS_ACCOUNT_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "daybook/core/aggregate.h"
#include "daybook_test/v1/account.pb.h"

namespace daybook::runtime {

namespace pb = daybook_test::v1;

// An account with a balance, and with notes that make it misbehave.
struct Account {
  static constexpr std::string_view kCategory = "account";
  using State = pb::AccountState;
  using Command = std::variant<pb::Open, pb::Deposit, pb::Withdraw>;
  using Event = std::variant<pb::Opened, pb::Deposited, pb::Withdrawn>;
  using Decision = daybook::Decision<Event>;

  static Decision Decide(const State& s, const pb::Open& c, const Context&) {
    if (s.open()) return Unchanged{};
    pb::Opened opened;
    opened.set_owner(c.owner());
    return Emit(std::move(opened));
  }
  static Decision Decide(const State& s, const pb::Deposit& c, const Context&) {
    if (!s.open()) return Reject{Code::kNotFound, "NOT_OPEN", "no such account", {{"/account", "UNKNOWN", "none"}}};
    if (c.note() == "throw in decide") throw std::runtime_error("decide failed");
    if (c.note() == "throw a number") throw 7;
    std::vector<Event> events;
    for (std::uint32_t i = 0; i < std::max(1u, c.times()); ++i) {
      pb::Deposited deposited;
      deposited.set_amount(c.amount());
      deposited.set_note(c.note() == "not utf-8" ? "\xff" : c.note());
      events.emplace_back(std::move(deposited));
    }
    return Decision(std::move(events));
  }
  static Decision Decide(const State& s, const pb::Withdraw& c, const Context&) {
    if (!s.open()) return Reject{Code::kNotFound, "NOT_OPEN", "no such account", {}};
    if (c.amount() > s.balance()) return Reject{Code::kFailedPrecondition, "OVERDRAWN", "", {}};
    pb::Withdrawn withdrawn;
    withdrawn.set_amount(c.amount());
    return Emit(std::move(withdrawn));
  }

  static void Evolve(State& s, const pb::Opened& e) {
    s.set_open(true);
    s.set_owner(e.owner());
  }
  static void Evolve(State& s, const pb::Deposited& e) {
    s.set_balance(s.balance() + e.amount());
    if (e.note() == "throw in evolve") throw std::runtime_error("evolve failed");
    if (!e.note().empty()) (*s.mutable_by_note())[e.note()] += e.amount();
  }
  static void Evolve(State& s, const pb::Withdrawn& e) { s.set_balance(s.balance() - e.amount()); }
};
static_assert(Aggregate<Account>);

inline pb::Open Open(const std::string& owner = "ada") {
  pb::Open command;
  command.set_owner(owner);
  return command;
}
inline pb::Deposit Deposit(std::int64_t amount, const std::string& note = "", std::uint32_t times = 1) {
  pb::Deposit command;
  command.set_amount(amount);
  command.set_note(note);
  command.set_times(times);
  return command;
}
inline pb::Withdraw Withdraw(std::int64_t amount) {
  pb::Withdraw command;
  command.set_amount(amount);
  return command;
}

}  // namespace daybook::runtime

#endif  // DAYBOOK_RUNTIME_TESTS_ACCOUNT_H_
