#ifndef BENEFICIARY_DOMAIN_CLIENT_H_
#define BENEFICIARY_DOMAIN_CLIENT_H_

#include <string_view>
#include <variant>

#include "beneficiary/commands/v1/commands.pb.h"
#include "beneficiary/events/v1/events.pb.h"
#include "beneficiary/state/v1/state.pb.h"
#include "daybook/core/aggregate.h"

namespace beneficiary {

// What is known of a client of one BOS instance, with beneficiaries or without.
//
//   auto decision = Client::Decide(state, sync_client, context);   // ClientListed, ClientChanged or Unchanged
//
// Thread safety: pure functions of their arguments.
// Invariants: only BOS writes it, so nothing is refused. A client that was forgotten and comes again is listed again.
struct Client {
  static constexpr std::string_view kCategory = "client";

  using Event = std::variant<events::v1::ClientListed, events::v1::ClientChanged, events::v1::ClientRemoved>;
  using State = state::v1::ClientState;

  static void Evolve(State& s, const events::v1::ClientListed& e);
  static void Evolve(State& s, const events::v1::ClientChanged& e);
  static void Evolve(State& s, const events::v1::ClientRemoved& e);

  using Command = std::variant<commands::v1::SyncClient, commands::v1::ForgetClient>;
  using Decision = daybook::Decision<Event>;
  using Context = daybook::Context;

  static Decision Decide(const State& s, const commands::v1::SyncClient& c, const Context& context);
  static Decision Decide(const State& s, const commands::v1::ForgetClient& c, const Context& context);
};
static_assert(daybook::Aggregate<Client>);

}  // namespace beneficiary

#endif  // BENEFICIARY_DOMAIN_CLIENT_H_
