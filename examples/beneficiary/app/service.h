#ifndef BENEFICIARY_APP_SERVICE_H_
#define BENEFICIARY_APP_SERVICE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "beneficiary/app/caller.h"
#include "beneficiary/app/engine.h"
#include "beneficiary/app/query_side.h"
#include "beneficiary/domain/beneficiary.h"
#include "daybook/core/strong.h"
#include "daybook/runtime/command.h"

namespace beneficiary {

// Waits for read models before a write is answered.
struct ShowWait {
  absl::Duration timeout;
  std::vector<std::string> models;  // empty = all
};

// One write, as any edge hands it in.
struct WriteRequest {
  std::string beneficiary_id;  // canonical UUID text; the stream's key
  Beneficiary::Command command;
  daybook::runtime::CommandOptions options;
  std::optional<ShowWait> wait;
  // Whether the answer will show the beneficiary, so that detail.v1 must have reached the write too.
  enum class Answer { kBeneficiary, kNothing };
  Answer answer = Answer::kBeneficiary;
};

// What a write came to. `outcome` may be a rejection.
struct WriteReply {
  daybook::runtime::CommandOutcome outcome;
  bool shown = false;                // every awaited read model has reached it
  std::vector<std::string> pending;  // those that have not, of all
};
using WriteHandler = absl::AnyInvocable<void(absl::StatusOr<WriteReply>)>;

// A command's fate, as far as it is known.
struct Operation {
  daybook::runtime::CommandOutcome outcome;
  std::vector<std::string> pending;  // read models that do not show it yet; empty for a rejection
};

// What the edges have in common: every rule of a write or a read that is not one of their wire. The one way to the data
// of a client, and what it tells or changes, it does for a caller.
//
//   Service service(*engine, {.compat_instance = "uk"});
//   service.Write(caller, std::move(request), [](absl::StatusOr<WriteReply> reply) { … });      // returns at once
//   service.WhenFresh("list.v1", position, absl::Seconds(2), [](absl::Status fresh) { … });
//
// Thread safety: every method from any thread. Handlers run on threads of the engine: they never block.
// Invariants:
//   1. Nothing of a client that the caller may not read is told, and nothing of one that it may not write is changed:
//      kPermissionDenied (reason CLIENT_NOT_ALLOWED). A beneficiary belongs to the client that it has at that moment.
//   2. To who may not have every client, an id that is not there and one of somebody else's are the same: denied, with
//      equal words.
class Service {
 public:
  struct Options {
    std::string compat_instance;  // "" = the only BOS instance there is
  };

  // Reads and writes. The engine outlives it.
  Service(Engine& engine, Options options)
      : queries_(engine.queries()), engine_(&engine), options_(std::move(options)) {}
  // Reads only: writes, and what only the command side knows, are kUnimplemented (reason NOT_SERVED_HERE).
  Service(QuerySide& queries, Options options) : queries_(queries), options_(std::move(options)) {}

  enum class Serves { kReadsAndWrites, kReads };
  Serves serves() const { return engine_ != nullptr ? Serves::kReadsAndWrites : Serves::kReads; }
  static absl::Status NotServedHere();

  // Executes the command, then waits for the read models asked for. A wait that runs out is no error: not shown.
  // Errors as runtime/command.h; kAborted is kNotFound (reason NOT_REGISTERED) where there is no such stream, and has
  // the reason REVISION_CONFLICT otherwise. Whose the beneficiary is, is asked as the command is decided: a move that
  // is ahead of it counts.
  void Write(const Caller& caller, WriteRequest request, WriteHandler done);

  // kInvalidArgument (reason UNKNOWN_READ_MODEL), naming those there are.
  absl::Status CheckModels(const std::vector<std::string>& names) const;

  // Calls `done` when `model` has reached `position`: OK, or kUnavailable (reason NOT_YET_SHOWN) after `timeout`.
  void WhenFresh(std::string_view model, daybook::Position position, absl::Duration timeout,
                 absl::AnyInvocable<void(absl::Status)> done);

  // For who may read or write the client of the operation's beneficiary. kNotFound (reason OPERATION_NOT_FOUND):
  // unknown, expired, or of another partition. One that left no beneficiary (a refused POST) has no client: it is for
  // who may have every client, and otherwise denied.
  absl::StatusOr<Operation> FindOperation(const Caller& caller, daybook::PartitionId partition, daybook::CommandId id);

  // The BOS instance that the compatibility endpoint serves; "" while there is none. kFailedPrecondition: there are
  // several, and none was chosen.
  absl::StatusOr<std::string> CompatInstance() const;

  // As the queries of projections/.
  absl::StatusOr<Detail> Get(const Caller& caller, std::string_view id) const;
  absl::StatusOr<std::string> Validation(const Caller& caller, std::string_view id) const;
  absl::StatusOr<ListPage> AppendList(const Caller& caller, const ListRequest& request, std::string& out) const;
  absl::StatusOr<CompatPage> CompatPageOf(const Caller& caller, const CompatRequest& request) const;

 private:
  // Answers `done`, now or when what `request` waits for is shown.
  void AnswerShown(daybook::runtime::CommandOutcome outcome, std::optional<ShowWait> wait, WriteRequest::Answer answer,
                   WriteHandler done);
  std::vector<std::string> AllModels() const;
  absl::StatusOr<Operation> FindAnyOperation(daybook::PartitionId partition, daybook::CommandId id);

  QuerySide& queries_;
  Engine* const engine_ = nullptr;  // null: reads only
  const Options options_;
};

}  // namespace beneficiary

#endif  // BENEFICIARY_APP_SERVICE_H_
