# daybook_add_protos(TARGET ROOT dir PROTOS file… [DEPS target…] [GRPC])
#
# Compiles each .proto once, into one static library TARGET. ROOT is the folder that import paths start at; PROTOS are
# relative to it. DEPS are other such libraries whose messages are imported. GRPC also generates the services.
# Downstream projects use this same function: it is installed with the package.
function(daybook_add_protos target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "GRPC" "ROOT" "PROTOS;DEPS")
  if(NOT TARGET protobuf::protoc)
    find_package(Protobuf MODULE REQUIRED)
  endif()
  if(arg_GRPC AND NOT TARGET gRPC::grpc_cpp_plugin)
    find_package(gRPC CONFIG REQUIRED)
  endif()
  get_filename_component(root "${arg_ROOT}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  set(out "${CMAKE_CURRENT_BINARY_DIR}/${target}.gen")
  file(MAKE_DIRECTORY "${out}")

  set(import_flags "-I${root}")
  foreach(dep IN LISTS arg_DEPS)
    get_target_property(dep_real ${dep} ALIASED_TARGET)
    if(NOT dep_real)
      set(dep_real ${dep})
    endif()
    get_target_property(dep_roots ${dep_real} DAYBOOK_PROTO_ROOTS)
    if(NOT dep_roots)
      message(FATAL_ERROR "daybook_add_protos(${target}): ${dep} was not made by daybook_add_protos")
    endif()
    foreach(dep_root IN LISTS dep_roots)
      list(APPEND import_flags "-I${dep_root}")
    endforeach()
  endforeach()

  set(generated)
  foreach(proto IN LISTS arg_PROTOS)
    string(REGEX REPLACE "\\.proto$" "" stem "${proto}")
    set(outputs "${out}/${stem}.pb.cc" "${out}/${stem}.pb.h")
    set(grpc_flags)
    set(grpc_depends)
    if(arg_GRPC)
      list(APPEND outputs "${out}/${stem}.grpc.pb.cc" "${out}/${stem}.grpc.pb.h")
      set(grpc_flags "--grpc_out=${out}" "--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>")
    endif()
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND protobuf::protoc ${import_flags} --cpp_out=${out} ${grpc_flags} "${root}/${proto}"
      DEPENDS "${root}/${proto}" protobuf::protoc
      COMMENT "Generating ${proto}"
      VERBATIM)
    list(APPEND generated ${outputs})
  endforeach()

  add_library(${target} STATIC ${generated})
  target_include_directories(${target} SYSTEM PUBLIC "$<BUILD_INTERFACE:${out}>")
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PUBLIC protobuf::libprotobuf ${arg_DEPS})
  if(arg_GRPC)
    target_link_libraries(${target} PUBLIC gRPC::grpc++)
  endif()
  # Generated sources use the same names, so that a project that compiles several as one must not do so with them.
  set_target_properties(${target} PROPERTIES DAYBOOK_PROTO_ROOTS "${root}" DAYBOOK_PROTO_GENERATED "${out}"
                        UNITY_BUILD OFF)
endfunction()
