# The installed package: find_package(pare) gives the pare:: targets.
include(CMakePackageConfigHelpers)

set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/pare)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/pareConfig.cmake.in
  ${CMAKE_BINARY_DIR}/pareConfig.cmake INSTALL_DESTINATION ${_package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/pareConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/pareConfig.cmake ${CMAKE_BINARY_DIR}/pareConfigVersion.cmake
  core/cmake/FindLibtorch.cmake DESTINATION ${_package})
install(EXPORT pareTargets NAMESPACE pare:: DESTINATION ${_package})
