# Compiler, cache and linker settings shared by every target of this build.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(PROJECT_IS_TOP_LEVEL)
  # Line tables only: full debug information doubles the time to compile and link.
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
  set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

  find_program(DAYBOOK_CCACHE ccache)
  if(DAYBOOK_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # The base directory makes a fresh clone in another folder hit the cache.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=time_macros,pch_defines ${DAYBOOK_CCACHE})
    add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC frees memory while it compiles where it could go on: 3 % of the time for at most 150 MB.
    add_compile_options("SHELL:--param ggc-min-heapsize=1000000")
  endif()
  find_program(DAYBOOK_MOLD mold)
  if(DAYBOOK_MOLD)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

if(DAYBOOK_SANITIZE)
  add_compile_options(-fsanitize=${DAYBOOK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all -O1)
  add_link_options(-fsanitize=${DAYBOOK_SANITIZE})
  # For tests of memory's size, which a sanitizer multiplies: the compiler's own macros do not tell in every build.
  add_compile_definitions(DAYBOOK_SANITIZED)
  if(DAYBOOK_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Where GCC says that it sanitizes, protobuf's headers give map fields one more member, which Debian's protobuf was
    # built without. The standard library keeps its own macro.
    add_compile_options(-U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
endif()

if(DAYBOOK_DELAYS)
  # Not in what is generated and in libraries' headers: it is the order of our own threads that is to change.
  add_compile_options(-finstrument-functions -finstrument-functions-exclude-file-list=/usr/,.pb.h,.pb.cc)
  add_compile_options(-Wno-return-type)  # GCC does not see behind the calls that no way goes on
endif()

add_library(daybook_warnings INTERFACE)
target_compile_options(daybook_warnings INTERFACE -Wall -Wextra -Wno-missing-field-initializers)
if(DAYBOOK_WERROR)
  target_compile_options(daybook_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(daybook_warnings INTERFACE -Wthread-safety)
else()
  # GCC 12 sees overlapping copies in its own std::string where there are none (its bug 105651).
  target_compile_options(daybook_warnings INTERFACE -Wno-restrict)
  if(CMAKE_UNITY_BUILD)
    # What a source keeps to itself is then, to GCC, in a file that another includes.
    target_compile_options(daybook_warnings INTERFACE -Wno-subobject-linkage)
  endif()
endif()
if(DAYBOOK_SANITIZE AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # GCC's flow analysis reports values as possibly unset, dangling or too short in code that the sanitizers rewrote.
  target_compile_options(daybook_warnings INTERFACE
    -Wno-array-bounds -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread -Wno-free-nonheap-object)
  if(DAYBOOK_SANITIZE MATCHES "thread")
    # Abseil's headers use a fence, which the sanitizer does not follow, where an atomic exchange orders things already.
    target_compile_options(daybook_warnings INTERFACE -Wno-tsan)
  endif()
endif()
