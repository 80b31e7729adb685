# find_package(Gatehouse) gives the target Gatehouse::Plugin: link a MODULE library to it, and the header is found, its
# symbols are hidden, and one is exported.

get_filename_component(_gatehouse_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(Gatehouse_EXPORTS "${_gatehouse_prefix}/share/gatehouse/exports.map")
set(Gatehouse_CHECKER "${_gatehouse_prefix}/bin/gatehouse-plugin")

if(NOT TARGET Gatehouse::Plugin)
    add_library(Gatehouse::Plugin INTERFACE IMPORTED)
    set_target_properties(Gatehouse::Plugin PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${_gatehouse_prefix}/include"
        INTERFACE_COMPILE_OPTIONS "-fvisibility=hidden"
        INTERFACE_LINK_OPTIONS "-Wl,-z,defs;-Wl,--version-script=${Gatehouse_EXPORTS}")
endif()
unset(_gatehouse_prefix)
