# Installs every module declared by daybook_module, the framework's messages with their .proto files, and the package
# that find_package(Daybook COMPONENTS …) reads. One export file a module: a consumer needs only the libraries behind
# the components that it asks for.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(daybook_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Daybook)
set(daybook_proto_dir ${CMAKE_INSTALL_DATADIR}/daybook/proto)

# Which find_dependency call provides a library that a module links.
function(_daybook_package_of library out)
  set(${out} "" PARENT_SCOPE)
  if(library MATCHES "^Boost::(.+)$")
    set(component ${CMAKE_MATCH_1})
    set(${out} "Boost|1.81|CONFIG|COMPONENTS|${component}" PARENT_SCOPE)
  elseif(library MATCHES "^ICU::(.+)$")
    set(${out} "ICU|COMPONENTS|${CMAKE_MATCH_1}" PARENT_SCOPE)
  elseif(library MATCHES "^protobuf::")
    set(${out} "Protobuf|MODULE" PARENT_SCOPE)
  elseif(library MATCHES "^xxhash::")
    set(${out} "xxhash|MODULE" PARENT_SCOPE)
  elseif(library MATCHES "^RdKafka::")
    set(${out} "RdKafka|MODULE" PARENT_SCOPE)
  elseif(library MATCHES "^(OpenSSL|ZLIB|Threads)::")
    set(${out} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  elseif(library MATCHES "^([A-Za-z0-9_-]+)::")
    set(${out} "${CMAKE_MATCH_1}|CONFIG" PARENT_SCOPE)
  endif()
endfunction()

# Writes what DaybookConfig.cmake has to know of one module: the modules and the packages behind it.
function(_daybook_describe name links out)
  set(modules)
  set(packages)
  foreach(link IN LISTS links)
    if(TARGET ${link})
      get_target_property(real ${link} ALIASED_TARGET)
      if(NOT real)
        set(real ${link})
      endif()
    else()
      set(real ${link})
    endif()
    if(real MATCHES "^daybook_(.+)$")
      list(APPEND modules ${CMAKE_MATCH_1})
    else()
      _daybook_package_of("${real}" package)
      list(APPEND packages ${package})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES modules)
  list(REMOVE_DUPLICATES packages)
  string(CONCAT text "set(_daybook_${name}_modules \"${modules}\")\n"
                     "set(_daybook_${name}_packages \"${packages}\")\n")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

set(daybook_descriptions)
get_property(daybook_modules GLOBAL PROPERTY DAYBOOK_MODULES)
foreach(module IN LISTS daybook_modules)
  install(TARGETS daybook_${module} EXPORT Daybook_${module}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  get_property(links GLOBAL PROPERTY DAYBOOK_MODULE_${module}_LINKS)
  _daybook_describe(${module} "${links}" description)
  string(APPEND daybook_descriptions "${description}")
endforeach()

# The messages: generated headers beside the others, .proto files where daybook_add_protos(DEPS daybook::proto) looks.
get_target_property(daybook_generated_dir daybook_proto DAYBOOK_PROTO_GENERATED)
install(TARGETS daybook_proto EXPORT Daybook_proto ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${daybook_generated_dir}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.pb.h")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/proto/daybook DESTINATION ${daybook_proto_dir}
        FILES_MATCHING PATTERN "*.proto")
_daybook_describe(proto "protobuf::libprotobuf" description)
string(APPEND daybook_descriptions "${description}")
list(APPEND daybook_modules proto)

foreach(module IN LISTS daybook_modules)
  install(EXPORT Daybook_${module} FILE Daybook_${module}.cmake NAMESPACE daybook:: DESTINATION ${daybook_cmake_dir})
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/DaybookConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/DaybookConfig.cmake
  INSTALL_DESTINATION ${daybook_cmake_dir} PATH_VARS daybook_proto_dir NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/DaybookConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/DaybookConfig.cmake ${PROJECT_BINARY_DIR}/package/DaybookConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/DaybookProto.cmake ${CMAKE_CURRENT_LIST_DIR}/FindRdKafka.cmake
              ${CMAKE_CURRENT_LIST_DIR}/Findxxhash.cmake
        DESTINATION ${daybook_cmake_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
