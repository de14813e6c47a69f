#ifndef BENEFICIARY_PROJECTIONS_LIST_H_
#define BENEFICIARY_PROJECTIONS_LIST_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "beneficiary/state/v1/state.pb.h"
#include "daybook/core/projection.h"
#include "daybook/projection/folding.h"
#include "daybook/projection/read_model.h"

namespace beneficiary {

// By client: the definitive JSON of its beneficiaries by id, and what the filters look at.
//
//   runner.Add<ListProjection, Beneficiary>();
struct ListProjection {
  static constexpr std::string_view kName = "list.v1";
  static void On(const daybook::projection::Folded<state::v1::BeneficiaryState>& folded, daybook::ViewWriter& out);
  static void Trim(state::v1::BeneficiaryState& state);
};

// Which beneficiaries of a client. Absent = any; all given ones must hold.
struct ListFilter {
  std::string client_id;
  // Absent = active and inactive: soft-deleted ones are listed only when asked for.
  enum class Status { kActive, kInactive, kDeleted };
  std::optional<Status> status;
  std::optional<std::string> currency;      // of any account; letters in any case
  std::optional<std::string> bank_country;  // of any account's bank; letters in any case
  std::optional<std::string> iban;          // of any account; blanks and case do not matter
  std::optional<std::string> q;             // the name or an alias starts with it; case does not matter
  std::optional<std::string> instance;      // of the BOS it came from; "" or "daybook" = created here
};

struct ListRequest {
  ListFilter filter;
  std::size_t limit = 50;  // 1 to 200
  std::string cursor;      // next_cursor of the page before; "" = from the start
};

// What a page held. `next_cursor` is empty on the last one.
struct ListPage {
  std::size_t items = 0;
  std::string next_cursor;
};

// Reads list.v1: id ascending, no totals, stable under writes. Thread safety: const methods from any thread.
class ListQuery {
 public:
  static constexpr std::size_t kLimitMax = 200;

  explicit ListQuery(daybook::projection::ReadModel model) : model_(std::move(model)) {}

  // Appends `{"items":[B,…],"next_cursor":"…"|null}`. An unknown client has no items.
  // kInvalidArgument, nothing appended: reason LIMIT_OUT_OF_RANGE, CURSOR_MALFORMED, CURSOR_OF_OTHER_FILTERS.
  absl::StatusOr<ListPage> AppendTo(const ListRequest& request, std::string& out) const;

  // Appends only the elements, comma-separated, for the gRPC edge and others that frame them themselves.
  absl::StatusOr<ListPage> AppendItemsTo(const ListRequest& request, std::string& out) const;

 private:
  daybook::projection::ReadModel model_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_PROJECTIONS_LIST_H_
