# cmake -DIN=file -DOUT=file.cc -DHEADER=header -DNAMESPACE=ns -DFUNCTION=name -P embed_text.cmake
#
# Writes a source file whose function returns the text of IN, as it was when it was built.
file(READ "${IN}" text)
string(LENGTH "${text}" length)
set(pieces "")
# Compilers limit the length of one literal: pieces of 8,000 characters are joined by the compiler.
set(at 0)
while(at LESS length)
  string(SUBSTRING "${text}" ${at} 8000 piece)
  string(APPEND pieces "    R\"TEXT(${piece})TEXT\"\n")
  math(EXPR at "${at} + 8000")
endwhile()
file(WRITE "${OUT}" "#include \"${HEADER}\"

namespace ${NAMESPACE} {

std::string_view ${FUNCTION}() {
  static constexpr std::string_view kText =
${pieces}      ;
  return kText;
}

}  // namespace ${NAMESPACE}
")
