#ifndef BENEFICIARY_PROJECTIONS_TESTS_VIEW_LOG_H_
#define BENEFICIARY_PROJECTIONS_TESTS_VIEW_LOG_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "beneficiary/domain/beneficiary.h"
#include "beneficiary/domain/client.h"
#include "beneficiary/projections/compat.h"
#include "beneficiary/projections/detail.h"
#include "beneficiary/projections/list.h"
#include "daybook/codec/envelope.h"
#include "daybook/codec/event_codec.h"
#include "daybook/projection/projector.h"
#include "daybook/store/memory/memory_event_store.h"
#include "daybook/store/memory/memory_key_value.h"

namespace beneficiary {

// A log written event by event, and the three read models over it.
class ViewLog {
 public:
  // The models live in `models`, which outlives this object.
  explicit ViewLog(daybook::store::KeyValue& models) : models_(models) {
    epoch_ = *store_->ClaimEpoch();
    Restart();
  }

  // Starts the projections anew on the same models.
  void Restart() {
    runner_.reset();
    runner_ = std::make_unique<daybook::projection::ProjectionRunner>(*store_, models_,
                                                                      daybook::projection::ProjectorOptions());
    AddAll(*runner_);
    runner_->Start();
  }

  static void AddAll(daybook::projection::ProjectionRunner& runner) {
    EXPECT_TRUE((runner.Add<DetailProjection, Beneficiary>()).ok());
    EXPECT_TRUE((runner.Add<ListProjection, Beneficiary>()).ok());
    EXPECT_TRUE((runner.Add<CompatProjection, Beneficiary, Client>()).ok());
  }

  // One command's events on one beneficiary.
  void Append(const std::string& id, const std::vector<Beneficiary::Event>& events) {
    AppendAs<Beneficiary>(id, events);
  }
  void AppendClient(const std::string& key, const Client::Event& event) { AppendAs<Client>(key, {event}); }
  // The usual case: a client of BOS.
  void ListClient(const std::string& instance, const std::string& client_id) {
    events::v1::ClientListed listed;
    listed.set_instance(instance);
    listed.set_client_id(client_id);
    AppendClient(instance + "-" + client_id, listed);
  }

  void WaitUntilShown() {
    const absl::Status status = runner_->WaitUntil(runner_->Names(), store_->DurableWatermark(), absl::Seconds(60));
    ASSERT_TRUE(status.ok()) << status;
  }

  DetailQuery detail() const { return DetailQuery(*runner_->Model(DetailProjection::kName)); }
  ListQuery list() const { return ListQuery(*runner_->Model(ListProjection::kName)); }
  CompatQuery compat(CompatQuery::Options options = {}) const {
    return CompatQuery(*runner_->Model(CompatProjection::kName), options);
  }
  daybook::store::EventStore& store() { return *store_; }

 private:
  template <class A>
  void AppendAs(const std::string& key, const std::vector<typename A::Event>& events) {
    static const daybook::codec::EventCodec<typename A::Event> codec;
    std::string raw(8, '\3');
    daybook::AppendBigEndian64(raw, ++commands_);
    const daybook::CommandId command{*daybook::Uuid::FromBytes(raw)};
    daybook::store::StreamAppend append;
    append.stream = daybook::StreamId(A::kCategory, key);
    for (std::uint32_t i = 0; i < events.size(); ++i) {
      daybook::codec::EnvelopeFields fields;
      fields.event_id = daybook::codec::EventIdOf(command, i);
      fields.command_id = command;
      fields.event_index = i;
      fields.event_count = static_cast<std::uint32_t>(events.size());
      std::string envelope;
      daybook::codec::EncodeEnvelope(fields, envelope);
      append.events.push_back({codec.TypeOf(events[i]), std::move(envelope), codec.Encode(events[i])});
    }
    daybook::store::Batch batch;
    batch.epoch = epoch_;
    batch.appends.push_back(std::move(append));
    const auto appended = store_->Append(batch);
    ASSERT_TRUE(appended.ok()) << appended.status();
  }

  std::unique_ptr<daybook::store::EventStore> store_ = daybook::store::NewMemoryEventStore();
  daybook::store::KeyValue& models_;
  daybook::WriterEpoch epoch_;
  std::uint64_t commands_ = 0;
  std::unique_ptr<daybook::projection::ProjectionRunner> runner_;
};

// All rows of all three tables.
inline std::map<std::string, std::string> DumpModels(daybook::store::KeyValue& models) {
  std::map<std::string, std::string> out;
  for (const std::string& table : models.TableNames()) {
    const auto model = daybook::projection::ReadModel::Open(models, table);
    const auto cursor = model->Scan("", "");
    while (true) {
      const absl::StatusOr<bool> more = cursor->Next();
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) break;
      out.emplace(table + "/" + std::string(cursor->key()), cursor->value());
    }
  }
  return out;
}

}  // namespace beneficiary

#endif  // BENEFICIARY_PROJECTIONS_TESTS_VIEW_LOG_H_
