#include "beneficiary/domain/client.h"

#include <utility>

namespace beneficiary {

void Client::Evolve(State& s, const events::v1::ClientListed& e) {
  s.set_listed(true);
  s.set_instance(e.instance());
  s.set_legacy_id(e.legacy_id());
  s.set_client_id(e.client_id());
  s.set_name(e.name());
  s.set_status(e.status());
}

void Client::Evolve(State& s, const events::v1::ClientChanged& e) {
  s.set_client_id(e.client_id());
  s.set_name(e.name());
  s.set_status(e.status());
}

void Client::Evolve(State& s, const events::v1::ClientRemoved&) { s.Clear(); }

Client::Decision Client::Decide(const State& s, const commands::v1::SyncClient& c, const Context&) {
  if (!s.listed()) {
    events::v1::ClientListed e;
    e.set_instance(c.instance());
    e.set_legacy_id(c.legacy_id());
    e.set_client_id(c.client_id());
    e.set_name(c.name());
    e.set_status(c.status());
    return daybook::Emit(std::move(e));
  }
  events::v1::ClientChanged e;
  if (s.client_id() != c.client_id()) e.add_changed("client_id");
  if (s.name() != c.name()) e.add_changed("name");
  if (s.status() != c.status()) e.add_changed("status");
  if (e.changed().empty()) return daybook::Unchanged{};
  e.set_client_id(c.client_id());
  e.set_name(c.name());
  e.set_status(c.status());
  e.set_previous_client_id(s.client_id());
  return daybook::Emit(std::move(e));
}

Client::Decision Client::Decide(const State& s, const commands::v1::ForgetClient&, const Context&) {
  if (!s.listed()) return daybook::Unchanged{};
  return daybook::Emit(events::v1::ClientRemoved());
}

}  // namespace beneficiary
