#ifndef BENEFICIARY_PROJECTIONS_COMPAT_H_
#define BENEFICIARY_PROJECTIONS_COMPAT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "beneficiary/state/v1/state.pb.h"
#include "daybook/core/projection.h"
#include "daybook/projection/folding.h"
#include "daybook/projection/read_model.h"

namespace beneficiary {

// By BOS instance and client: what BOS's own client/beneficiaries answers, byte for byte, in its order.
//
//   runner.Add<CompatProjection, Beneficiary, Client>();
struct CompatProjection {
  static constexpr std::string_view kName = "compat.v1";
  static void On(const daybook::projection::Folded<state::v1::BeneficiaryState>& folded, daybook::ViewWriter& out);
  static void On(const daybook::projection::Folded<state::v1::ClientState>& folded, daybook::ViewWriter& out);
  static void Trim(state::v1::BeneficiaryState& state);
};

// Parameters as they are after the edge has checked them; page and page_size are from 1.
struct CompatRequest {
  std::string_view instance;
  std::string_view client_id;
  std::uint64_t page = 1;
  std::uint64_t page_size = 50;  // cut at kPageSizeMax by the edge (X-Page-Size shows the cut value)
  std::string_view iban;         // "" = no filter; blanks and case do not matter
};

// One page as it is answered.
struct CompatPage {
  std::shared_ptr<const std::string> body;  // the bare array `[…]`; past the end `[]`. Others may hold it too
  std::uint64_t total = 0;                  // of all pages (X-Total-Count)
};

// Reads compat.v1. Thread safety: const methods from any thread.
class CompatQuery {
 public:
  static constexpr std::uint64_t kPageSizeMax = 500;

  struct Options {
    std::size_t page_cache_bytes_max = 64 * 1024 * 1024;  // 0 = none
  };

  CompatQuery(daybook::projection::ReadModel model, Options options);
  explicit CompatQuery(daybook::projection::ReadModel model);
  ~CompatQuery();
  CompatQuery(CompatQuery&&) noexcept;

  // One page, from the cache if nothing of the client has changed since it was made.
  // kNotFound (reason CLIENT_NOT_FOUND): the instance has no such client.
  absl::StatusOr<CompatPage> Page(const CompatRequest& request) const;

  // The same, appended to `out`; gives the total. In case of an error nothing is appended.
  absl::StatusOr<std::uint64_t> AppendTo(const CompatRequest& request, std::string& out) const;

  // The BOS instances that have clients, sorted; for the default of --compat_instance.
  absl::StatusOr<std::vector<std::string>> Instances() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_PROJECTIONS_COMPAT_H_
