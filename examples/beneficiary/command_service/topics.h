#ifndef BENEFICIARY_COMMAND_SERVICE_TOPICS_H_
#define BENEFICIARY_COMMAND_SERVICE_TOPICS_H_

#include <vector>

#include "daybook/bus/admin.h"
#include "daybook/bus/event_publisher.h"

namespace beneficiary {

// The topics that the command service reads.
inline constexpr char kBeneficiaryCommands[] = "beneficiary.beneficiary.commands.v1";
inline constexpr char kClientCommands[] = "beneficiary.client.commands.v1";

// Those that it writes, besides the dead letters of the above ("<topic>.dlq"). Readers of the events topics set aside
// what is no event on "<topic>.dlq" likewise.
inline constexpr char kBeneficiaryEvents[] = "beneficiary.beneficiary.events.v1";
inline constexpr char kClientEvents[] = "beneficiary.client.events.v1";
inline constexpr char kBeneficiaryStates[] = "beneficiary.beneficiary.state.v1";
inline constexpr char kClientStates[] = "beneficiary.client.state.v1";

// All of them, as they must be: one partition for the one log, events kept for ever, states compacted.
std::vector<daybook::bus::TopicSpec> CommandServiceTopics(int replication);

// Where the events of each aggregate go, and how its changes are called on the state topic: as BOS's transaction says,
// where it does; else beneficiary.created, .updated, .deleted, and client.… likewise. Purged beneficiaries and removed
// clients are tombstones there.
std::vector<daybook::bus::EventRoute> EventRoutes();

}  // namespace beneficiary

#endif  // BENEFICIARY_COMMAND_SERVICE_TOPICS_H_
