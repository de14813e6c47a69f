#include "beneficiary/command_service/topics.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/client.h"
#include "daybook/bus/dead_letter.h"

namespace beneficiary {

namespace bus = daybook::bus;

namespace {

template <class Event>
bool Has(const bus::StateChange& change) {
  const std::string& name = Event::descriptor()->full_name();
  return std::find(change.event_types.begin(), change.event_types.end(), name) != change.event_types.end();
}

bus::StateKind KindOf(const Beneficiary::State& state, const bus::StateChange& change) {
  if (state.lifecycle() == Beneficiary::State::LIFECYCLE_PURGED) {
    return {"beneficiary.deleted", bus::StateKind::Value::kTombstone};
  }
  if (Has<events::v1::BeneficiaryRegistered>(change)) return {"beneficiary.created"};
  return {Has<events::v1::BeneficiaryRemoved>(change) ? "beneficiary.deleted" : "beneficiary.updated"};
}

bus::StateKind KindOf(const Client::State& state, const bus::StateChange& change) {
  if (!state.listed()) return {"client.deleted", bus::StateKind::Value::kTombstone};
  return {Has<events::v1::ClientListed>(change) ? "client.created" : "client.updated"};
}

template <class Aggregate>
bus::EventRoute Route(const std::string& events, const std::string& states) {
  bus::EventRoute route;
  route.category = std::string(Aggregate::kCategory);
  route.events_topic = events;
  route.state_topic = states;
  route.state = bus::FoldStatesOf<Aggregate>(
      [](const typename Aggregate::State& state, const bus::StateChange& change) { return KindOf(state, change); });
  return route;
}

}  // namespace

std::vector<bus::TopicSpec> CommandServiceTopics(int replication) {
  std::vector<bus::TopicSpec> topics;
  const auto add = [&](const std::string& topic, std::map<std::string, std::string> config) {
    topics.push_back({.topic = topic,
                      .partitions = 1,
                      .replication = static_cast<std::int16_t>(replication),
                      .config = std::move(config)});
  };
  for (const char* const topic : {kBeneficiaryCommands, kClientCommands}) {
    add(topic, {});
    add(bus::DeadLetterTopic(topic), {{"retention.ms", "-1"}});
  }
  for (const char* const topic : {kBeneficiaryEvents, kClientEvents}) {
    add(topic, {{"retention.ms", "-1"}});
    add(bus::DeadLetterTopic(topic), {{"retention.ms", "-1"}});
  }
  for (const char* const topic : {kBeneficiaryStates, kClientStates}) {
    add(topic, {{"cleanup.policy", "compact"}});
  }
  return topics;
}

std::vector<bus::EventRoute> EventRoutes() {
  return {Route<Beneficiary>(kBeneficiaryEvents, kBeneficiaryStates), Route<Client>(kClientEvents, kClientStates)};
}

}  // namespace beneficiary
