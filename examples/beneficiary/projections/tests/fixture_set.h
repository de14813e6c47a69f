#ifndef BENEFICIARY_PROJECTIONS_TESTS_FIXTURE_SET_H_
#define BENEFICIARY_PROJECTIONS_TESTS_FIXTURE_SET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "beneficiary/events/v1/events.pb.h"

namespace beneficiary {

// One recording of tests/fixtures, as far as read models can be tested with it alone.
struct FixtureSet {
  struct Definitive {
    std::string id;
    std::string json;                              // as BOS's SQL gave it: version is null
    events::v1::BeneficiaryRegistered registered;  // an event that makes this state
  };
  struct CompatPage {
    std::string client_id;
    std::uint64_t page = 1;
    std::uint64_t total = 0;
    std::string sha256;  // hexadecimal, of the body
  };
  struct CompatEdge {
    std::string request;
    int status = 0;
    std::uint64_t total = 0;
    std::uint64_t page = 0;
    std::uint64_t page_size = 0;
    std::string body;
  };

  std::string instance;
  std::vector<Definitive> definitive;   // by id
  std::vector<CompatPage> compat;       // every client of BOS has at least one
  std::vector<CompatEdge> compat_edge;  // may be empty
};

// Reads the set `name` of the repository's tests/fixtures. Legacy ids of accounts, which the definitive JSON does not
// show, are found again through the ids that are derived from them. Fails the running test if a file is not as
// expected.
FixtureSet LoadFixtureSet(const std::string& name);

inline constexpr const char* kFixtureSets[] = {"sample", "bos-a", "bos-b"};

}  // namespace beneficiary

#endif  // BENEFICIARY_PROJECTIONS_TESTS_FIXTURE_SET_H_
