# Everything pare links, found once. Nothing is downloaded here: `make deps` installs.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)

# Image files and archives are optional when cross-compiling (their libraries must exist for the
# device); without them core/data builds its raw-tensor readers only.
find_package(ZLIB)
find_package(JPEG)
find_package(PNG)
find_package(LibArchive)
set(PARE_IMAGE_LIBS OFF)
if(ZLIB_FOUND AND JPEG_FOUND AND PNG_FOUND AND LibArchive_FOUND)
  set(PARE_IMAGE_LIBS ON)
elseif(NOT CMAKE_CROSSCOMPILING)
  message(FATAL_ERROR "[dependencies] expected libjpeg, libpng, libarchive and zlib. Run `make deps`")
endif()

set(PARE_YAML OFF)
if(NOT PARE_RUNTIME_ONLY)
  find_path(PROTOZERO_INCLUDE protozero/pbf_reader.hpp REQUIRED)  # header-only, no target needed
  find_package(Eigen3 REQUIRED NO_MODULE)
  find_package(yaml-cpp QUIET)
  if(yaml-cpp_FOUND)
    set(PARE_YAML ON)
  elseif(NOT CMAKE_CROSSCOMPILING)
    message(FATAL_ERROR "[dependencies] expected yaml-cpp. Run `make deps`")
  endif()
endif()

if(PARE_TORCH)
  find_package(Libtorch REQUIRED)
  find_package(spdlog REQUIRED)
  find_package(CLI11 REQUIRED)
  find_package(benchmark REQUIRED)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(CBC REQUIRED IMPORTED_TARGET GLOBAL cbc)
  pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET GLOBAL libutf8proc)
endif()

if(PARE_TESTS)
  if(CMAKE_CROSSCOMPILING)
    # The distribution ships googletest's sources beside its native library.
    set(INSTALL_GTEST OFF CACHE BOOL "" FORCE)
    add_subdirectory(/usr/src/googletest ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
    if(NOT TARGET GTest::gtest)
      add_library(GTest::gtest ALIAS gtest)
      add_library(GTest::gtest_main ALIAS gtest_main)
    endif()
  else()
    find_package(GTest REQUIRED)
  endif()
endif()
