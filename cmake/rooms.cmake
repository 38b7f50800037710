# One static library per line of src/LAYERS, linked to just the rooms that line names, so that the
# written order is the built order. `x_test.cpp` beside a source goes into its floor's test program.

add_library(kt_flags INTERFACE)
target_compile_features(kt_flags INTERFACE cxx_std_20)
target_compile_options(kt_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wvla -Werror
                       -fno-math-errno -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 takes "text" + std::string for an overlapping copy (GCC bug 105651).
  target_compile_options(kt_flags INTERFACE -Wno-restrict)
endif()
if(KILOTOKEN_SANITIZE)
  target_compile_options(kt_flags INTERFACE -fsanitize=${KILOTOKEN_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all
                         -fdebug-prefix-map=${PROJECT_SOURCE_DIR}=.)
  target_link_options(kt_flags INTERFACE -fsanitize=${KILOTOKEN_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Between its checks GCC no longer sees that a variant's storage is read only when it is set.
    target_compile_options(kt_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(KILOTOKEN_FUZZ)
  # Kernels parse nothing, and counting their branches takes them half their time.
  target_compile_options(kt_flags INTERFACE
    $<$<NOT:$<STREQUAL:$<TARGET_PROPERTY:NAME>,kt_compute_kernels>>:-fsanitize=fuzzer-no-link>)
endif()
target_include_directories(kt_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(kt_flags INTERFACE Threads::Threads nlohmann_json::nlohmann_json)

# For what gains less by being optimised than that takes: tests, which call optimised code, and
# rooms that work once at start, or wait for a person or a disk. (The warning is the same false
# alarm as above.)
set(kt_cold_flags -O1 $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
set(kt_cold_rooms model/weights model/config model/jinja serve/load measure/eval cli)

# Libraries from the distribution, each used by the rooms named here and nowhere else.
set(kt_libs_base spdlog::spdlog)
set(kt_libs_net Boost::headers OpenSSL::SSL)
set(kt_libs_model/text ${PCRE2_LIBRARY} ${UTF8PROC_LIBRARY})
set(kt_libs_measure/bench OpenSSL::Crypto)
set(kt_libs_cli CLI11::CLI11 ${YAML_CPP_LIBRARY})
set(kt_libs_model/jinja ${UTF8PROC_LIBRARY})

# Precompiled headers: the two libraries that most sources spend their time reading. Sources name
# what they use all the same: KILOTOKEN_PRECOMPILE=OFF must build. Kernels have flags of their own
# and read neither.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Without its time in it, a precompiled header made again is the same file, and ccache knows it.
  target_compile_options(kt_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
endif()
set(kt_headers <algorithm> <functional> <memory> <optional> <string> <vector> <nlohmann/json.hpp>)
function(kt_precompile target owner)
  if(NOT KILOTOKEN_PRECOMPILE OR target STREQUAL kt_compute_kernels)
    return()
  elseif(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${kt_headers} ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

function(kt_room_target out room)
  string(REPLACE "/" "_" name ${room})
  set(${out} kt_${name} PARENT_SCOPE)
endfunction()

function(kt_add_rooms)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/LAYERS)
  file(STRINGS ${PROJECT_SOURCE_DIR}/src/LAYERS lines REGEX "^[a-z]")
  set(rooms "")
  foreach(line ${lines})
    string(REGEX MATCH "^([a-z_/]+) *: *(.*)$" matched "${line}")
    set(room ${CMAKE_MATCH_1})
    separate_arguments(deps UNIX_COMMAND "${CMAKE_MATCH_2}")
    list(APPEND rooms ${room})
    kt_add_room(${room} "${deps}")
  endforeach()
  set(KT_ROOMS "${rooms}" PARENT_SCOPE)
endfunction()

function(kt_add_room room deps)
  kt_room_target(target ${room})
  set(dir ${PROJECT_SOURCE_DIR}/src/${room})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$|/cli/main\\.cpp$")
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${target} ${scope} kt_flags ${kt_libs_${room}})
  # (In other builds all of a room is compiled as its precompiled header is.)
  if(room IN_LIST kt_cold_rooms AND CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(${target} PRIVATE ${kt_cold_flags})
  endif()
  # The headers are compiled with the flags of base's libraries: a room without any goes without.
  if(sources AND (deps OR room STREQUAL base))
    kt_precompile(${target} kt_base)
    set_target_properties(${target} PROPERTIES KT_PRECOMPILED ON)
  endif()
  foreach(dep ${deps})
    kt_room_target(dep_target ${dep})
    target_link_libraries(${target} ${scope} ${dep_target})
  endforeach()
endfunction()

# Kernel sources are compiled once per instruction set, with that set's flags and no others.
function(kt_isa_flags file)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/compute/kernels/${file} PROPERTIES
    COMPILE_OPTIONS "${ARGN}")
endfunction()

function(kt_add_room_tests)
  foreach(room ${KT_ROOMS})
    file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${room}/*_test.cpp)
    if(tests)
      kt_room_target(target ${room})
      add_executable(${target}_test ${tests})
      target_link_libraries(${target}_test PRIVATE ${target} GTest::gtest_main)
      target_compile_options(${target}_test PRIVATE ${kt_cold_flags})
      get_target_property(precompiled ${target} KT_PRECOMPILED)
      if(precompiled)
        kt_precompile(${target}_test kt_base_test <gtest/gtest.h>)
      endif()
      add_test(NAME ${room} COMMAND ${target}_test)
      # Labels: every floor and room by name, so `./dev test engine` and `./dev test sampling` work.
      string(REPLACE "/" ";" labels ${room})
      set_tests_properties(${room} PROPERTIES LABELS "quick;${labels}")
    endif()
  endforeach()
endfunction()
