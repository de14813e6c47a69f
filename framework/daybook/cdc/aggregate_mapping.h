#ifndef DAYBOOK_CDC_AGGREGATE_MAPPING_H_
#define DAYBOOK_CDC_AGGREGATE_MAPPING_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "daybook/cdc/table_schema.h"
#include "daybook/core/stream_id.h"

namespace daybook::cdc {

// A row with the rows placed below it; children are in the order of their keys. Thread safety: a view, const.
struct RowTree {
  RowView row;
  std::vector<std::pair<std::string_view, std::vector<RowTree>>> below;  // by placement name, every placement present

  // The rows of a placement. Aborts if the shape has none of that name here.
  const std::vector<RowTree>& Many(std::string_view placement) const;
  // The row of a reference; nullptr if the foreign key is null.
  const RowTree* One(std::string_view placement) const;
};

// What a mapping makes of rows: a message, serialised deterministically.
struct MappedCommand {
  std::string type;  // full protobuf name
  std::string payload;
};

// The user's pure functions from rows to commands, one object per AggregateShape.
//
//   absl::StatusOr<MappedCommand> Sync(std::string_view, const RowTree& owner) const override {
//     sync.set_name(std::string(owner.row.Text("name")));
//
// Thread safety: const and stateless. Equal rows give equal bytes, always.
class AggregateMapping {
 public:
  virtual ~AggregateMapping() = default;

  // The stream of the aggregate whose root row has this key (as KeyText gives it).
  virtual StreamId Stream(std::string_view key) const = 0;

  // The whole aggregate. Every referenced row is there. An error sets the aggregate aside until it changes again.
  virtual absl::StatusOr<MappedCommand> Sync(std::string_view key, const RowTree& root) const = 0;

  // The root row was deleted for good.
  virtual MappedCommand Forget(std::string_view key) const = 0;
};

}  // namespace daybook::cdc

#endif  // DAYBOOK_CDC_AGGREGATE_MAPPING_H_
