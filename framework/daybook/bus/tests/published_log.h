#ifndef DAYBOOK_BUS_TESTS_PUBLISHED_LOG_H_
#define DAYBOOK_BUS_TESTS_PUBLISHED_LOG_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daybook/base/clock.h"
#include "daybook/bus/event_publisher.h"
#include "daybook/bus/event_record.h"
#include "daybook/bus/memory/memory_bus.h"
#include "daybook/cloudevents/binary_mode.h"
#include "daybook/projection/tests/account_log.h"
#include "daybook/testing/eventually.h"

namespace daybook::bus {

namespace pb = daybook_test::v1;
using projection::Account;
using projection::AccountLog;
using projection::Deposited;
using projection::Opened;
using projection::Tagging;
using projection::Withdrawn;

inline constexpr char kAccounts[] = "test.account.events.v1";
inline constexpr char kAccountStates[] = "test.account.state.v1";
inline constexpr char kTags[] = "test.tagging.events.v1";
inline constexpr absl::Duration kLimit = absl::Seconds(60);

using daybook::testing::Eventually;

inline EventPublisherOptions Publishing() {
  EventPublisherOptions options;
  EventRoute accounts;
  accounts.category = "account";
  accounts.events_topic = kAccounts;
  accounts.state_topic = kAccountStates;
  accounts.state = FoldStatesOf<Account>([](const pb::AccountState& state, const StateChange& change) {
    StateKind kind;
    kind.type = change.revision == Revision(change.event_types.size()) ? "account.created" : "account.updated";
    if (state.balance() < 0) kind = {"account.deleted", StateKind::Value::kTombstone};
    return kind;
  });
  options.routes = {accounts, {.category = "tagging", .events_topic = kTags, .state_topic = "", .state = nullptr}};
  options.retry_delay_min = absl::Milliseconds(1);
  return options;
}

inline std::unique_ptr<Bus> BusWithTopics() {
  std::unique_ptr<Bus> bus = NewMemoryBus();
  for (const char* const topic : {kAccounts, kAccountStates, kTags}) {
    EXPECT_TRUE(
        bus->admin().CreateTopic({.topic = topic, .partitions = 1, .replication = 1, .config = {}}, kLimit).ok());
  }
  return bus;
}

// `commands` commands of one to three events each, on a few accounts, with a tagging among them now and then.
inline void Fill(AccountLog& log, int commands) {
  for (int i = 0; i < commands; ++i) {
    const std::string key = absl::StrCat("account", i % 3);
    if (i % 4 == 3) {
      pb::Tagged tagged;
      log.AppendRaw(StreamId("tagging", key),
                    {{pb::Tagged::descriptor()->full_name(), "", tagged.SerializeAsString()}});
    }
    std::vector<Account::Event> events = {Deposited(i, "a")};
    if (i % 2 == 1) events.push_back(Withdrawn(1));
    if (i % 3 == 2) events.push_back(Deposited(2, "b"));
    log.Append(key, events);
  }
}

inline RecordBatch ReadTopic(Bus& bus, const std::string& topic) {
  absl::StatusOr<RecordBatch> batch = ReadTail(bus, {topic, BusPartition(0)}, 1'000'000, kLimit);
  EXPECT_TRUE(batch.ok()) << batch.status();
  return batch.ok() ? *std::move(batch) : RecordBatch();
}

// "" if the topics of Publishing() hold each event of the log once, in order, as it is in the log.
inline std::string EventDifferences(Bus& bus, store::EventStore& store) {
  std::vector<RecordBatch> topics;
  for (const char* const topic : {kAccounts, kTags}) topics.push_back(ReadTopic(bus, topic));
  std::vector<std::size_t> next(topics.size(), 0);
  std::vector<Position> last(topics.size());
  const auto cursor = store.ReadAll(Position(1));
  while (cursor->Next().value_or(false)) {
    const store::EventView& event = cursor->event();
    const std::size_t t = event.stream.substr(0, 8) == "account/" ? 0 : 1;
    if (next[t] == topics[t].size()) return absl::StrCat("position ", event.position.value(), " is missing");
    const auto read = DecodeEvent(topics[t].records()[next[t]++]);
    if (!read.ok()) return read.status().ToString();
    if (read->position != event.position) {
      return absl::StrCat("position ", read->position.value(), " instead of ", event.position.value());
    }
    if (read->previous != last[t]) return absl::StrCat("previous of ", event.position.value(), " is wrong");
    std::string envelope;
    const store::EventView view = ViewOf(*read, envelope);
    if (view.data != event.data || view.envelope != event.envelope || view.stream != event.stream ||
        view.type != event.type || view.revision != event.revision) {
      return absl::StrCat("position ", event.position.value(), " reads differently");
    }
    last[t] = event.position;
  }
  for (std::size_t t = 0; t < topics.size(); ++t) {
    if (next[t] != topics[t].size()) return absl::StrCat(topics[t].size() - next[t], " records too many");
  }
  return "";
}

// "" if the state topic holds each account's state after each of its commands, once, in order.
inline std::string StateDifferences(Bus& bus, store::EventStore& store) {
  const RecordBatch records = ReadTopic(bus, kAccountStates);
  std::map<std::string, pb::AccountState> states;
  const codec::EventCodec<Account::Event> codec;
  std::size_t next = 0;
  const auto cursor = store.ReadAll(Position(1));
  while (cursor->Next().value_or(false)) {
    const store::EventView& event = cursor->event();
    if (event.stream.substr(0, 8) != "account/") continue;
    pb::AccountState& state = states[std::string(event.stream)];
    const auto decoded = codec.Decode(event.type, event.data);
    if (!decoded.ok()) return decoded.status().ToString();
    std::visit([&](const auto& e) { Account::Evolve(state, e); }, *decoded);
    if (event.index + 1 < event.count) continue;
    if (next == records.size()) return absl::StrCat("the state at ", event.position.value(), " is missing");
    const Record& record = records.records()[next++];
    const auto context = cloudevents::DecodeBinary(record.headers);
    if (!context.ok()) return context.status().ToString();
    if (context->sequence != event.position || context->subject != event.stream ||
        context->revision != event.revision) {
      return absl::StrCat("position ", context->sequence.value(), " instead of ", event.position.value());
    }
    const bool gone = state.balance() < 0;
    const std::string type = gone                                    ? "account.deleted"
                             : event.revision.value() == event.count ? "account.created"
                                                                     : "account.updated";
    if (context->type != type) return absl::StrCat(context->type, " instead of ", type);
    if (context->data_type != "daybook_test.v1.AccountState") return context->data_type;
    const std::optional<std::string> value =
        gone ? std::nullopt : std::optional<std::string>(codec::SerializeDeterministically(state));
    if (record.value != value) return absl::StrCat("the state at ", event.position.value(), " is another");
  }
  return next == records.size() ? "" : absl::StrCat(records.size() - next, " states too many");
}

inline std::string Differences(Bus& bus, store::EventStore& store) {
  const std::string events = EventDifferences(bus, store);
  return events.empty() ? StateDifferences(bus, store) : events;
}

}  // namespace daybook::bus

#endif  // DAYBOOK_BUS_TESTS_PUBLISHED_LOG_H_
