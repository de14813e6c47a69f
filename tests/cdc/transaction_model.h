#ifndef DAYBOOK_TESTS_CDC_TRANSACTION_MODEL_H_
#define DAYBOOK_TESTS_CDC_TRANSACTION_MODEL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cdc/fixtures.h"

namespace daybook::cdc_test {

// What a test needs of one recorded change, parsed once and without the code under test.
struct PlainChange {
  std::string table;  // "" = no row change
  std::int64_t key = 0;
  char operation = 0;
  std::uint64_t lsn = 0;
  std::optional<std::string> transaction;
  std::map<std::string, std::int64_t> links;  // after's foreign keys by column, nulls left out
  bool ours = true;                           // after's kind is 'beneficiary'
};

std::vector<PlainChange> PlainChanges(const Fixture& fixture);

// Rows by rule R1 and which transactions are only partly there: says whether a beneficiary, joined now, shows a part of
// one (rule R13).
class TransactionModel {
 public:
  explicit TransactionModel(const std::vector<PlainChange>& all);

  void Apply(const PlainChange& change);

  // The transaction that a join of this beneficiary shows a part of; "" = none.
  std::string HalfShown(std::int64_t beneficiary) const;

 private:
  using RowKey = std::pair<std::string, std::int64_t>;
  struct Row {
    bool exists = false;
    std::uint64_t lsn = 0;
    std::map<std::string, std::int64_t> links;
    bool ours = true;
    std::set<std::string> open;  // transactions that changed it and are not complete
  };

  std::string OpenOf(const RowKey& key) const;

  std::map<std::string, std::size_t> total_;
  std::map<std::string, std::size_t> arrived_;
  std::map<RowKey, Row> rows_;
  std::map<std::int64_t, std::set<RowKey>> children_;
  std::map<std::string, std::set<std::int64_t>> touched_;  // beneficiaries, by open transaction
  std::map<std::string, std::set<RowKey>> changed_;        // rows, by open transaction
};

}  // namespace daybook::cdc_test

#endif  // DAYBOOK_TESTS_CDC_TRANSACTION_MODEL_H_
