#include "cdc/transaction_model.h"

namespace daybook::cdc_test {
namespace {

namespace json = boost::json;

constexpr const char* kLinkColumns[] = {"client_id", "address_id", "beneficiary_id", "bank_id"};

const json::value& Unwrap(const json::value& value) {
  const json::object& object = value.as_object();
  const json::value* payload = object.if_contains("payload");
  return payload == nullptr ? value : *payload;
}

PlainChange Parse(const OwnedRecord& record) {
  PlainChange change;
  if (!record.value || record.topic.find(".public.") == std::string::npos) return change;
  if (record.topic.find("dbz_signal") != std::string::npos) return change;
  const json::value whole = json::parse(*record.value);
  const json::object& envelope = Unwrap(whole).as_object();
  const json::value key = json::parse(*record.key);
  change.table = std::string(envelope.at("source").at("table").as_string());
  change.key = Unwrap(key).as_object().begin()->value().as_int64();
  change.operation = envelope.at("op").as_string()[0];
  if (const json::value& lsn = envelope.at("source").at("lsn"); lsn.is_int64()) {
    change.lsn = static_cast<std::uint64_t>(lsn.as_int64());
  }
  if (const json::value* block = envelope.if_contains("transaction"); block != nullptr && block->is_object()) {
    const std::string id(block->at("id").as_string());
    change.transaction = id.substr(0, id.find(':'));
  }
  const json::value& after = envelope.at("after");
  if (!after.is_object()) return change;
  for (const char* column : kLinkColumns) {
    const json::value* link = after.as_object().if_contains(column);
    if (link != nullptr && link->is_int64()) change.links[column] = link->as_int64();
  }
  if (const json::value* kind = after.as_object().if_contains("kind")) change.ours = kind->as_string() == "beneficiary";
  return change;
}

}  // namespace

std::vector<PlainChange> PlainChanges(const Fixture& fixture) {
  std::vector<PlainChange> changes;
  changes.reserve(fixture.records.size());
  for (const OwnedRecord& record : fixture.records) changes.push_back(Parse(record));
  return changes;
}

TransactionModel::TransactionModel(const std::vector<PlainChange>& all) {
  for (const PlainChange& change : all) {
    if (change.transaction) ++total_[*change.transaction];
  }
}

void TransactionModel::Apply(const PlainChange& change) {
  if (change.table.empty()) return;
  const RowKey key(change.table, change.key);
  Row& row = rows_[key];
  std::set<std::int64_t> owners;
  const auto note_owner = [&] {
    if (change.table == "beneficiaries_beneficiary") owners.insert(change.key);
    if (row.exists && row.links.contains("beneficiary_id")) owners.insert(row.links["beneficiary_id"]);
  };
  note_owner();
  if (row.exists && row.links.contains("beneficiary_id")) children_[row.links["beneficiary_id"]].erase(key);
  if (change.operation != 'r') row.lsn = change.lsn;
  row.exists = change.operation != 'd';
  row.links = change.links;
  row.ours = change.ours;
  note_owner();
  if (row.exists && row.links.contains("beneficiary_id")) children_[row.links["beneficiary_id"]].insert(key);
  if (!change.transaction) return;
  const std::string& id = *change.transaction;
  row.open.insert(id);
  changed_[id].insert(key);
  touched_[id].insert(owners.begin(), owners.end());
  if (++arrived_[id] < total_[id]) return;
  for (const RowKey& done : changed_[id]) rows_[done].open.erase(id);
  changed_.erase(id);
  touched_.erase(id);
}

std::string TransactionModel::OpenOf(const RowKey& key) const {
  const auto found = rows_.find(key);
  return found == rows_.end() || found->second.open.empty() ? "" : *found->second.open.begin();
}

std::string TransactionModel::HalfShown(std::int64_t beneficiary) const {
  for (const auto& [id, owners] : touched_) {
    if (owners.contains(beneficiary)) return id;
  }
  std::vector<RowKey> joined = {{"beneficiaries_beneficiary", beneficiary}};
  if (const auto found = children_.find(beneficiary); found != children_.end()) {
    joined.insert(joined.end(), found->second.begin(), found->second.end());
  }
  for (std::size_t i = 0; i < joined.size(); ++i) {
    const auto row = rows_.find(joined[i]);
    if (row == rows_.end() || !row->second.ours) continue;
    for (const auto& [column, key] : row->second.links) {
      if (column == "client_id") joined.emplace_back("clients_client", key);
      if (column == "address_id") joined.emplace_back("core_address", key);
      if (column == "bank_id") joined.emplace_back("core_bank", key);
    }
  }
  for (const RowKey& key : joined) {
    if (const std::string id = OpenOf(key); !id.empty()) return id;
  }
  return "";
}

}  // namespace daybook::cdc_test
