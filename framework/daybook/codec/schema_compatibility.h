#ifndef DAYBOOK_CODEC_SCHEMA_COMPATIBILITY_H_
#define DAYBOOK_CODEC_SCHEMA_COMPATIBILITY_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace google::protobuf {
class FileDescriptor;
class FileDescriptorSet;
}  // namespace google::protobuf

namespace daybook::codec {

// What has been written must be readable for ever. A program commits a snapshot of the schemas it stores, and a test
// compares today's with it.
//
//   FileDescriptorSet today = DescribeSchemas({pb::Registered::descriptor()->file(), …});
//   for (const std::string& finding : FindSchemaBreaks(*ParseSchemas(snapshot_text), today)) ADD_FAILURE() << finding;
//   EXPECT_EQ(FormatSchemas(today), snapshot_text) << "additions: refresh the snapshot";
//
// Thread safety: free functions.

// The files and all that they import, without comments and JSON names, sorted by file name.
google::protobuf::FileDescriptorSet DescribeSchemas(const std::vector<const google::protobuf::FileDescriptor*>& files);

// Protobuf text form, and back. kInvalidArgument with the parser's words if it is none.
std::string FormatSchemas(const google::protobuf::FileDescriptorSet& schemas);
absl::StatusOr<google::protobuf::FileDescriptorSet> ParseSchemas(std::string_view text);

// One sentence for each way in which bytes written under `before` could be misread under `after`, with the place and
// what to do: a message or enum gone; a field gone without its number and name reserved, renumbered, retyped, moved
// into or out of a oneof, or changed between one and many; an enum value gone without its number reserved, or
// renumbered. Additions and new names are none of them. Empty: compatible.
std::vector<std::string> FindSchemaBreaks(const google::protobuf::FileDescriptorSet& before,
                                          const google::protobuf::FileDescriptorSet& after);

}  // namespace daybook::codec

#endif  // DAYBOOK_CODEC_SCHEMA_COMPATIBILITY_H_
