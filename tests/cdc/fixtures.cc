#include "cdc/fixtures.h"

#include <zlib.h>

#include <algorithm>
#include <iostream>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "beneficiary/gateway/bos_tables.h"
#include "daybook/base/check.h"
#include "daybook/base/status.h"
#include "daybook/cdc/record_file.h"

namespace daybook::cdc_test {
namespace {

namespace json = boost::json;
namespace types = beneficiary::types::v1;

std::string ReadFile(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  DAYBOOK_CHECK(file != nullptr, absl::StrCat("cannot open ", path));
  std::string text;
  char buffer[65536];
  int got = 0;
  while ((got = gzread(file, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(got));
  gzclose(file);
  return text;
}

Fixture Load(const std::string& name) {
  Fixture fixture;
  fixture.name = name;
  const std::string folder = absl::StrCat(DAYBOOK_FIXTURES, "/", name, "/");
  fixture.path = folder + "records.ndjson.gz";
  fixture.instance = ReadFile(folder + "instance");
  while (!fixture.instance.empty() && fixture.instance.back() == '\n') fixture.instance.pop_back();
  auto file = cdc::RecordFile::Open(fixture.path);
  DAYBOOK_CHECK(file.ok(), file.status().ToString());
  cdc::RecordBatch batch;
  while (true) {
    const absl::StatusOr<bool> more = (*file)->Read(1000, batch);
    DAYBOOK_CHECK(more.ok(), more.status().ToString());
    if (!*more) break;
    DAYBOOK_CHECK(batch.bad_lines().empty(), "the fixture has bad lines");
    for (const cdc::Record& r : batch.records()) {
      OwnedRecord& record = fixture.records.emplace_back();
      record.topic = std::string(r.topic);
      record.partition = r.partition;
      record.offset = r.offset;
      record.timestamp_ms = r.timestamp_ms;
      if (r.key) record.key = std::string(*r.key);
      if (r.value) record.value = std::string(*r.value);
      for (const auto& h : r.headers) record.headers.emplace_back(std::string(h.name), std::string(h.value));
    }
  }
  const std::string definitive = ReadFile(folder + "definitive.ndjson.gz");
  for (const absl::string_view line : absl::StrSplit(definitive, '\n', absl::SkipEmpty())) {
    json::value b = json::parse(json::string_view(line.data(), line.size()));
    fixture.definitive.emplace(std::string(b.at("id").as_string()), std::move(b));
  }
  return fixture;
}

json::value OrNull(const std::string& text) {
  if (text.empty()) return nullptr;
  return json::value(text);
}

json::value AddressOf(const types::Address& a) {
  return {{"address_line_1", OrNull(a.address_line_1())},
          {"street_name", OrNull(a.street_name())},
          {"building_number", OrNull(a.building_number())},
          {"floor", OrNull(a.floor())},
          {"apartment_office_number", OrNull(a.apartment_office_number())},
          {"city", OrNull(a.city())},
          {"state_region", OrNull(a.state_region())},
          {"post_code", OrNull(a.post_code())},
          {"country_code", OrNull(a.country_code())}};
}

json::value AccountOf(const types::BankAccount& a) {
  json::value correspondent = nullptr;
  if (!a.correspondent_swift_code().empty() || !a.correspondent_account().empty()) {
    correspondent = {{"swift_code", OrNull(a.correspondent_swift_code())},
                     {"account_number", OrNull(a.correspondent_account())}};
  }
  return {{"id", a.id()},
          {"account_holder", OrNull(a.account_holder())},
          {"currency", OrNull(a.currency())},
          {"iban", OrNull(a.iban())},
          {"account_number", OrNull(a.account_number())},
          {"bank_identifier", OrNull(a.bank_identifier())},
          {"bank_identifier_type", OrNull(a.bank_identifier_type())},
          {"swift_code", OrNull(a.swift_code())},
          {"bank",
           {{"name", OrNull(a.bank().name())},
            {"country_code", OrNull(a.bank().country_code())},
            {"address_line_1", OrNull(a.bank().address_line_1())}}},
          {"correspondent", correspondent},
          {"default", a.is_default()},
          {"status", a.active() ? "active" : "inactive"}};
}

json::value RegulatoryOf(const types::Regulatory& r) {
  return {{"inn", OrNull(r.inn())}, {"kpp", OrNull(r.kpp())},
          {"kio", OrNull(r.kio())}, {"kbk", OrNull(r.kbk())},
          {"vo", OrNull(r.vo())},   {"russian_central_bank_account", OrNull(r.russian_central_bank_account())}};
}

std::string_view ScreeningOf(types::ScreeningStatus status) {
  if (status == types::SCREENING_STATUS_PENDING) return "pending";
  if (status == types::SCREENING_STATUS_CLEAR) return "clear";
  return "blocked";
}

}  // namespace

int CaseShare() {
#ifdef __OPTIMIZE__
  return 1;
#else
  return 10;
#endif
}

cdc::Record View(const OwnedRecord& record) {
  cdc::Record view;
  view.topic = record.topic;
  view.partition = record.partition;
  view.offset = record.offset;
  view.timestamp_ms = record.timestamp_ms;
  if (record.key) view.key = *record.key;
  if (record.value) view.value = *record.value;
  for (const auto& [name, value] : record.headers) view.headers.push_back({name, value});
  return view;
}

std::vector<cdc::Record> Views(const std::vector<OwnedRecord>& records) {
  std::vector<cdc::Record> views;
  views.reserve(records.size());
  for (const OwnedRecord& record : records) views.push_back(View(record));
  return views;
}

const Fixture& GetFixture(const std::string& name) {
  static auto& loaded = *new std::map<std::string, Fixture>();
  auto found = loaded.find(name);
  if (found == loaded.end()) found = loaded.emplace(name, Load(name)).first;
  return found->second;
}

void Fold(const cdc::Command& command, Folded& folded) {
  const std::string key(command.stream.key());
  if (command.type == "beneficiary.commands.v1.SyncFromBos") {
    DAYBOOK_CHECK(folded.beneficiaries[key].ParseFromString(command.payload), "not a SyncFromBos");
  } else if (command.type == "beneficiary.commands.v1.ForgetFromBos") {
    folded.beneficiaries.erase(key);
  } else if (command.type == "beneficiary.commands.v1.SyncClient") {
    DAYBOOK_CHECK(folded.clients[key].ParseFromString(command.payload), "not a SyncClient");
  } else {
    DAYBOOK_CHECK(command.type == "beneficiary.commands.v1.ForgetClient", command.type);
    folded.clients.erase(key);
  }
}

Folded FoldAll(const std::vector<cdc::Command>& commands) {
  Folded folded;
  for (const cdc::Command& command : commands) Fold(command, folded);
  return folded;
}

json::value DefinitiveOf(const std::string& id, const beneficiary::commands::v1::SyncFromBos& command) {
  const types::BosImage& image = command.image();
  json::array aliases;
  for (const types::Alias& alias : image.aliases()) aliases.emplace_back(alias.alias());
  json::array emails;
  for (const types::Email& email : image.emails()) emails.emplace_back(email.email());
  json::array accounts;
  for (const types::BankAccount& account : image.bank_accounts()) accounts.push_back(AccountOf(account));
  return {
      {"id", id},
      {"client_id", image.client_id()},
      {"version", nullptr},
      {"status", image.deleted()  ? "deleted"
                 : image.active() ? "active"
                                  : "inactive"},
      {"type", image.details().type() == types::ENTITY_TYPE_BUSINESS ? "business" : "personal"},
      {"name", image.details().name()},
      {"aliases", aliases},
      {"email_addresses", emails},
      {"email_notification", image.details().email_notification()},
      {"address", image.has_address() ? AddressOf(image.address()) : json::value(nullptr)},
      {"bank_accounts", accounts},
      {"reference_information", OrNull(image.details().reference_information())},
      {"reason_for_trade", OrNull(image.details().reason_for_trade())},
      {"purpose_code", OrNull(image.details().purpose_code())},
      {"regulatory", image.has_regulatory() ? RegulatoryOf(image.regulatory()) : json::value(nullptr)},
      {"screening", {{"status", json::string_view(ScreeningOf(image.screening_status()))}, {"checked_at", nullptr}}},
      {"origin", {{"system", "bos"}, {"instance", command.instance()}, {"id", command.legacy_id()}}},
      {"created_at", FormatTimestamp(Timestamp::FromMicros(image.created_at_us()))},
      {"updated_at", FormatTimestamp(Timestamp::FromMicros(image.updated_at_us()))}};
}

std::string Difference(const Fixture& fixture, const Folded& folded) {
  for (const auto& [id, expected] : fixture.definitive) {
    const auto found = folded.beneficiaries.find(id);
    if (found == folded.beneficiaries.end()) return absl::StrCat(id, " is missing");
    const json::value actual = DefinitiveOf(id, found->second);
    if (actual != expected) {
      return absl::StrCat("expected ", json::serialize(expected), "\nbut got  ", json::serialize(actual));
    }
  }
  for (const auto& [id, command] : folded.beneficiaries) {
    if (!fixture.definitive.contains(id)) return absl::StrCat(id, " is there and should not be");
  }
  return "";
}

absl::StatusOr<std::unique_ptr<cdc::Gateway>> OpenBos(const beneficiary::BeneficiaryMapping* beneficiaries,
                                                      const beneficiary::ClientMapping* clients, store::KeyValue* kv,
                                                      cdc::CommandSink* sink, const Clock* clock,
                                                      cdc::TransactionMode mode) {
  cdc::GatewayOptions options;
  options.catalog = beneficiary::BosCatalog();
  options.mappings = {beneficiaries, clients};
  options.clock = clock;
  options.transactions = mode;
  return cdc::Gateway::Open(std::move(options), kv, sink);
}

Rig::Rig(const Fixture& fixture, store::KeyValue* kv, CollectingSink* sink, StillClock* clock,
         cdc::TransactionMode mode)
    : beneficiaries_(fixture.instance), clients_(fixture.instance) {
  absl::StatusOr<std::unique_ptr<cdc::Gateway>> gateway = OpenBos(&beneficiaries_, &clients_, kv, sink, clock, mode);
  DAYBOOK_CHECK(gateway.ok(), gateway.status().ToString());
  gateway_ = *std::move(gateway);
}

absl::Status IngestAll(cdc::Gateway& gateway, const std::vector<cdc::Record>& records, std::size_t size) {
  const std::span<const cdc::Record> all(records);
  for (std::size_t at = 0; at < all.size(); at += size) {
    DAYBOOK_RETURN_IF_ERROR(gateway.Ingest(all.subspan(at, std::min(size, all.size() - at))));
  }
  DAYBOOK_RETURN_IF_ERROR(gateway.Flush());
  return gateway.Drain(absl::ZeroDuration());
}

std::vector<std::size_t> Interleaving(const std::vector<OwnedRecord>& records, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::map<std::pair<std::string, std::int32_t>, std::vector<std::size_t>> partitions;
  for (std::size_t i = 0; i < records.size(); ++i) {
    partitions[{records[i].topic, records[i].partition}].push_back(i);
  }
  struct Queue {
    std::vector<std::size_t> records;
    std::size_t at = 0;
  };
  std::vector<Queue> queues;
  for (auto& [key, list] : partitions) queues.push_back({std::move(list), 0});
  // From record by record to whole partitions one after the other.
  const std::size_t burst_max = std::size_t{1} << (random() % 14);
  std::vector<std::size_t> order;
  order.reserve(records.size());
  while (!queues.empty()) {
    const std::size_t pick = random() % queues.size();
    Queue& queue = queues[pick];
    for (std::size_t left = 1 + random() % burst_max; left > 0 && queue.at < queue.records.size(); --left) {
      order.push_back(queue.records[queue.at++]);
    }
    if (queue.at == queue.records.size()) queues.erase(queues.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  return order;
}

}  // namespace daybook::cdc_test
