#ifndef DAYBOOK_CODEC_UPCASTERS_H_
#define DAYBOOK_CODEC_UPCASTERS_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace google::protobuf {
class MessageLite;
}  // namespace google::protobuf

namespace daybook::codec {

// Turns events as they were written into events as they are understood today. The log is never rewritten: every read
// goes through these. Chained: an upcaster's result may itself be the source of the next one.
//
//   Upcasters upcasters;
//   upcasters.Add<pb::PayeeRegistered, pb::PayeeRegisteredV2>([](const pb::PayeeRegistered& old) { … });
//   upcasters.Rename("acme.v1.Renamed", "acme.v1.PayeeRenamed");          // same bytes, another name
//   upcasters.AddRaw("acme.v0.Opened", "acme.v1.Opened", [](std::string_view old) { … });  // no class for it any more
//   upcasters.Reshape<pb::Opened>([](pb::Opened& e) { if (!e.has_kind()) e.set_kind(…); });  // old shape, same name
//
// Thread safety: build it in one thread; const afterwards. The functions are pure and may be called from any thread.
// Invariants (Check, called when a codec is built):
//   1. a source is no event type of today (use Reshape), and has one upcaster;
//   2. every chain ends in an event type of today, so it has no cycle.
class Upcasters {
 public:
  // Bytes of one type to bytes of another. An error is passed on as kDataLoss.
  using RawFunction = std::function<absl::StatusOr<std::string>(std::string_view)>;
  // Brings a parsed message of an older shape into today's. Called for every event of the type that is read, so one of
  // today's shape must come out unchanged.
  using ReshapeFunction = std::function<void(google::protobuf::MessageLite&)>;

  // An event stored as Old is read as New.
  template <class Old, class New, class Function>
  Upcasters& Add(Function function) {
    return AddRaw(Old::descriptor()->full_name(), New::descriptor()->full_name(),
                  [function = std::move(function)](std::string_view bytes) -> absl::StatusOr<std::string> {
                    Old old;
                    if (!old.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
                      return absl::DataLossError(Old::descriptor()->full_name() + " does not parse");
                    }
                    const New made = function(static_cast<const Old&>(old));
                    return made.SerializeAsString();
                  });
  }

  // The same on bytes, for types that no code knows any more.
  Upcasters& AddRaw(std::string from, std::string to, RawFunction function);

  // Only the name has changed.
  Upcasters& Rename(std::string from, std::string to);

  // The name has stayed and the shape has changed.
  template <class Message, class Function>
  Upcasters& Reshape(Function function) {
    return AddReshape(Message::descriptor()->full_name(),
                      [function = std::move(function)](google::protobuf::MessageLite& message) {
                        function(static_cast<Message&>(message));
                      });
  }

  // OK if the invariants hold for a codec of the event types `known`; kInvalidArgument otherwise, naming the chain:
  // "upcaster chain acme.v0.A -> acme.v1.B: acme.v1.B is no event of this aggregate and has no upcaster".
  absl::Status Check(const std::vector<std::string>& known) const;

  bool empty() const { return steps_.empty() && reshapes_.empty(); }

  // What a codec uses. Step: nullptr if `type` has no upcaster.
  struct Step {
    std::string to;
    RawFunction function;  // empty: the bytes stay
  };
  const Step* Find(std::string_view type) const;
  const ReshapeFunction* FindReshape(std::string_view type) const;

 private:
  Upcasters& AddReshape(std::string type, ReshapeFunction function);

  std::map<std::string, Step, std::less<>> steps_;
  std::map<std::string, ReshapeFunction, std::less<>> reshapes_;
  std::vector<std::string> twice_;  // sources given more than once; Check names them
};

}  // namespace daybook::codec

#endif  // DAYBOOK_CODEC_UPCASTERS_H_
