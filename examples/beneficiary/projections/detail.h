#ifndef BENEFICIARY_PROJECTIONS_DETAIL_H_
#define BENEFICIARY_PROJECTIONS_DETAIL_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "beneficiary/state/v1/state.pb.h"
#include "daybook/core/projection.h"
#include "daybook/core/strong.h"
#include "daybook/projection/folding.h"
#include "daybook/projection/read_model.h"

namespace beneficiary {

// By id: the definitive JSON of a beneficiary, and what it violates. Soft-deleted ones are kept, purged ones are gone.
//
//   runner.Add<DetailProjection, Beneficiary>();
struct DetailProjection {
  static constexpr std::string_view kName = "detail.v1";
  static void On(const daybook::projection::Folded<state::v1::BeneficiaryState>& folded, daybook::ViewWriter& out);
  static void Trim(state::v1::BeneficiaryState& state);
};

// A beneficiary as served by id.
struct Detail {
  std::string json;            // B of the definitive API
  daybook::Revision revision;  // B's `version`: ETag is this in quotes
  std::string client_id;
  enum class Status { kActive, kInactive, kDeleted } status = Status::kActive;
};

// What a beneficiary violates: `{"warnings":[{"pointer":…,"code":…,"detail":…}]}`.
struct Warnings {
  std::string json;
  std::string client_id;  // whose the beneficiary is
};

// Reads detail.v1. Thread safety: const methods from any thread.
class DetailQuery {
 public:
  explicit DetailQuery(daybook::projection::ReadModel model) : model_(std::move(model)) {}

  // kNotFound (reason BENEFICIARY_NOT_FOUND): never registered here, purged, or no UUID. Letters of the id in any case.
  absl::StatusOr<Detail> Get(std::string_view id) const;

  // For GET /v1/beneficiaries/{id}/validation. Errors as Get.
  absl::StatusOr<Warnings> Validation(std::string_view id) const;

 private:
  static absl::StatusOr<Detail> GetFrom(const daybook::projection::ReadModel& model, std::string_view id);

  daybook::projection::ReadModel model_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_PROJECTIONS_DETAIL_H_
