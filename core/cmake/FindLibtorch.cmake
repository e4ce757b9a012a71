# Finds libtorch and defines the imported target Libtorch::Libtorch.
#
# LIBTORCH_ROOT  folder with include/ and lib/ (default: what `make deps` unpacked). A complete
#                torch installation works too; its CUDA half is opened at run time, never linked.
#
# find_package(Torch) of the wheel insists on a CUDA toolkit and exposes its own copies of fmt,
# protobuf and others, which shadow the system's; only libtorch's own headers are exposed here.

get_filename_component(_libtorch_default "${CMAKE_CURRENT_LIST_DIR}/../../.deps/libtorch" ABSOLUTE)
set(LIBTORCH_ROOT "${_libtorch_default}" CACHE PATH "libtorch: folder with include/ and lib/")
set(_libtorch_wanted 2.11)

find_path(Libtorch_HEADERS torch/headeronly/version.h
  PATHS "${LIBTORCH_ROOT}/include" NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
find_library(Libtorch_CPU torch_cpu PATHS "${LIBTORCH_ROOT}/lib" NO_DEFAULT_PATH)
find_library(Libtorch_C10 c10 PATHS "${LIBTORCH_ROOT}/lib" NO_DEFAULT_PATH)
mark_as_advanced(Libtorch_HEADERS Libtorch_CPU Libtorch_C10)

set(Libtorch_VERSION)
if(Libtorch_HEADERS)
  file(STRINGS "${Libtorch_HEADERS}/torch/headeronly/version.h" _libtorch_lines
    REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX MATCHALL "[0-9]+" _libtorch_numbers "${_libtorch_lines}")
  string(REPLACE ";" "." Libtorch_VERSION "${_libtorch_numbers}")
  if(NOT Libtorch_VERSION MATCHES "^${_libtorch_wanted}\\.")
    message(FATAL_ERROR "[libtorch] expected version ${_libtorch_wanted}, got ${Libtorch_VERSION} "
      "(LIBTORCH_ROOT=${LIBTORCH_ROOT}). Point LIBTORCH_ROOT to a matching one or run `make deps`")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libtorch
  REQUIRED_VARS Libtorch_CPU Libtorch_C10 Libtorch_HEADERS VERSION_VAR Libtorch_VERSION
  REASON_FAILURE_MESSAGE "nothing usable in LIBTORCH_ROOT=${LIBTORCH_ROOT}. Run `make deps`, \
or configure with -DPARE_TORCH=OFF for the runtime alone")

if(Libtorch_FOUND AND NOT TARGET Libtorch::Libtorch)
  set(_libtorch_include "${Libtorch_HEADERS}")
  if(EXISTS "${Libtorch_HEADERS}/fmt" OR EXISTS "${Libtorch_HEADERS}/google")
    set(_libtorch_include "${CMAKE_BINARY_DIR}/libtorch-include")
    file(MAKE_DIRECTORY "${_libtorch_include}")
    foreach(_folder ATen c10 caffe2 torch kineto)
      file(CREATE_LINK "${Libtorch_HEADERS}/${_folder}" "${_libtorch_include}/${_folder}" SYMBOLIC)
    endforeach()
  endif()
  find_package(Threads REQUIRED)
  get_filename_component(_libtorch_lib "${Libtorch_CPU}" DIRECTORY)

  add_library(Libtorch::c10 SHARED IMPORTED)
  set_target_properties(Libtorch::c10 PROPERTIES IMPORTED_LOCATION "${Libtorch_C10}")
  add_library(Libtorch::Libtorch SHARED IMPORTED)
  set_target_properties(Libtorch::Libtorch PROPERTIES
    IMPORTED_LOCATION "${Libtorch_CPU}"
    # The library names CUDA's runtime as needed; it lies beside it and is found when run.
    INTERFACE_LINK_OPTIONS "LINKER:--allow-shlib-undefined;LINKER:-rpath-link,${_libtorch_lib}"
    INTERFACE_LINK_LIBRARIES "Libtorch::c10;Threads::Threads"
    INTERFACE_COMPILE_DEFINITIONS "_GLIBCXX_USE_CXX11_ABI=1;USE_DISTRIBUTED;USE_C10D_GLOO"
    INTERFACE_INCLUDE_DIRECTORIES
      "${_libtorch_include};${_libtorch_include}/torch/csrc/api/include")
endif()
