// Prints today's stored schemas, for stored_schemas.textproto. With the committed snapshot as argument it refuses,
// naming each, where stored bytes could no longer be read; "--break" behind it says that this is meant.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "tests/schema_compat/stored_schemas.h"

int main(int argc, char** argv) {
  const google::protobuf::FileDescriptorSet today = daybook::StoredSchemas();
  const bool is_meant = argc > 2 && std::string_view(argv[2]) == "--break";
  if (argc > 1 && !is_meant) {
    std::ifstream file(argv[1]);
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto before = daybook::codec::ParseSchemas(text);
    if (!before.ok()) {
      std::cerr << argv[1] << ": " << before.status() << "\n";
      return 1;
    }
    const auto findings = daybook::codec::FindSchemaBreaks(*before, today);
    for (const std::string& finding : findings) std::cerr << finding << "\n";
    if (!findings.empty()) return 1;
  }
  std::cout << daybook::codec::FormatSchemas(today);
  return 0;
}
