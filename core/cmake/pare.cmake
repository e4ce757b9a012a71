# The two functions every folder uses, and the settings all targets share.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)  # installed programs find libtorch where it was linked
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# Headers, torch's above all, cost more than the code behind them: several sources are compiled as one.
# Sources with options of their own (an instruction set) stay apart.
set(CMAKE_UNITY_BUILD ${PARE_UNITY})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)
if(PARE_UNITY)
  # GCC 12 sees through more calls then and misjudges std::variant; it takes every source for a header.
  add_compile_options(-Wno-maybe-uninitialized -Wno-subobject-linkage)
endif()

# pare_headers(target of headers): what nearly every source reads is read once; the target `of` keeps it for
# all that have the same options.
set(PARE_STANDARD_HEADERS <algorithm> <cmath> <functional> <map> <memory> <nlohmann/json.hpp> <numeric> <optional> <set>
  <string> <variant> <vector>)
set(PARE_TORCH_HEADERS ${PARE_STANDARD_HEADERS} <ATen/TensorOperators.h> <ATen/core/grad_mode.h>)
function(pare_headers target of headers)
  if(NOT PARE_UNITY)
    return()
  elseif(target STREQUAL of)
    target_precompile_headers(${target} PRIVATE ${headers})
  else()
    target_precompile_headers(${target} REUSE_FROM ${of})
  endif()
endfunction()

# Small objects: optimised, no debug information unless asked for, assertions kept by our own checks.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

# Contraction is off so that the reference arithmetic is the same on every compiler and ISA; the
# floating-point kernels that want fused multiply-add switch it on for their own files.
# -fPIC for all, so that archives can go into plugin libraries.
# -Wrestrict gives false alarms on std::string in GCC 12.
add_compile_options(-Wall -Wextra -Wno-restrict -Wno-missing-field-initializers -ffp-contract=off
  -fPIC -fno-semantic-interposition)
if(PARE_WERROR)
  add_compile_options(-Werror)
endif()
if(PARE_ASAN)
  set(_sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_compile_options(${_sanitize} -O1 -g1 -D_GLIBCXX_ASSERTIONS)
  add_link_options(${_sanitize})
endif()

if(PARE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link -Wno-unknown-warning-option
    "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include ${PROJECT_SOURCE_DIR}/tests/fuzz/clang_config.h>")
endif()

# One cache serves all build folders of a checkout: paths are made relative, and the build folder's
# own name does not enter the key.
find_program(PARE_CCACHE ccache)
if(PARE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
    CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    ${PARE_CCACHE})
endif()
find_program(PARE_MOLD mold)
if(PARE_MOLD AND NOT CMAKE_CROSSCOMPILING)
  add_link_options(-fuse-ld=mold)
endif()

# pare_library(name [TORCH] SOURCES a.cpp ... [SMALL b.cpp ...] DEPS pare::x ... [PRIVATE_DEPS y ...])
# A static library pare_<name> with the alias pare::<name>; includes are written from the
# repository's root. TORCH marks what lies left of the cut. SMALL sources run once a file or plan and
# are compiled for size.
function(pare_library name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;SMALL;DEPS;PRIVATE_DEPS" ${ARGN})
  set(target pare_${name})
  if(ARG_SOURCES OR ARG_SMALL)
    add_library(${target} STATIC ${ARG_SOURCES})
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
    set(scope PUBLIC)
    if(NOT ARG_TORCH)  # so that a device's program links what it calls and no more
      target_compile_options(${target} PRIVATE -ffunction-sections -fdata-sections)
    endif()
    target_link_libraries(${target} PRIVATE ${ARG_PRIVATE_DEPS})
    if(ARG_SMALL)  # a target of their own, because options of single sources would keep them out of unity builds
      add_library(${target}_small OBJECT ${ARG_SMALL})
      target_include_directories(${target}_small PRIVATE ${PROJECT_SOURCE_DIR})
      target_compile_options(${target}_small PRIVATE $<$<CONFIG:Release>:-Os> -ffunction-sections -fdata-sections)
      target_link_libraries(${target}_small PRIVATE ${ARG_DEPS} ${ARG_PRIVATE_DEPS})
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_small>)
      pare_headers(${target}_small pare_base_small "${PARE_STANDARD_HEADERS}")
    endif()
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
    set(ARG_DEPS ${ARG_DEPS} ${ARG_PRIVATE_DEPS})
  endif()
  add_library(pare::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(${target} ${scope}
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/pare>)
  target_compile_features(${target} ${scope} cxx_std_20)
  target_link_libraries(${target} ${scope} ${ARG_DEPS})
  if(ARG_TORCH)
    target_link_libraries(${target} ${scope} Libtorch::Libtorch)
    if(ARG_SOURCES)
      pare_headers(${target} pare_model "${PARE_TORCH_HEADERS}")
    endif()
  elseif(ARG_SOURCES)
    pare_headers(${target} pare_base "${PARE_STANDARD_HEADERS}")
  endif()
  install(TARGETS ${target} EXPORT pareTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  install(DIRECTORY . DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/pare/${folder}
    FILES_MATCHING PATTERN "*.h")
endfunction()

# pare_test(name SOURCES a_test.cpp ... DEPS pare::x ... [LABELS slow] [TIMEOUT seconds] [TORCH])
# One binary test_<name> and one CTest entry <name>, run in the repository's root; label `fast`
# unless others are given. Loading libtorch once a case would cost more than the cases.
function(pare_test name)
  cmake_parse_arguments(ARG "TORCH" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_SOURCES)
    return()
  endif()
  set(target test_${name})
  add_executable(${target} ${ARG_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE ${ARG_DEPS} GTest::gtest GTest::gtest_main)
  if(ARG_TORCH)
    target_link_libraries(${target} PRIVATE Libtorch::Libtorch)
    pare_headers(${target} pare_model "${PARE_TORCH_HEADERS}")
  else()
    pare_headers(${target} pare_base "${PARE_STANDARD_HEADERS}")
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS fast)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${target} --gtest_brief=1 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()
