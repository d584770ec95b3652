# find_package(QuantInfer) gives the target QuantInfer::quantinfer: the header and the library for the project's core and ABI.
#
# Both are read from the options in CMAKE_C_FLAGS (-mcpu=cortex-m4 -mfloat-abi=hard, or -march=rv32imac); QUANTINFER_CORE and
# QUANTINFER_ABI say otherwise. Nothing is fetched.
get_filename_component(_quantinfer_root "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT QUANTINFER_CORE)
  if("${CMAKE_C_FLAGS}" MATCHES "-mcpu=([a-z0-9-]+)")
    set(QUANTINFER_CORE "${CMAKE_MATCH_1}")
  elseif("${CMAKE_C_FLAGS}" MATCHES "-march=rv32")
    set(QUANTINFER_CORE riscv32)
  endif()
endif()
if(NOT QUANTINFER_ABI)
  if("${CMAKE_C_FLAGS}" MATCHES "-mfloat-abi=([a-z]+)")
    set(QUANTINFER_ABI "${CMAKE_MATCH_1}")
  else()
    set(QUANTINFER_ABI soft)
  endif()
endif()

set(_quantinfer_library "${_quantinfer_root}/lib/${QUANTINFER_CORE}/${QUANTINFER_ABI}/libquantinfer.a")
if(NOT QUANTINFER_CORE OR NOT EXISTS "${_quantinfer_library}")
  file(GLOB _quantinfer_known RELATIVE "${_quantinfer_root}/lib" "${_quantinfer_root}/lib/*/*/libquantinfer.a")
  string(REPLACE "/libquantinfer.a" "" _quantinfer_known "${_quantinfer_known}")
  string(REPLACE ";" ", " _quantinfer_known "${_quantinfer_known}")
  set(QuantInfer_FOUND FALSE)
  set(QuantInfer_NOT_FOUND_MESSAGE
    "no library for core '${QUANTINFER_CORE}' and ABI '${QUANTINFER_ABI}'; set QUANTINFER_CORE and QUANTINFER_ABI to one of ${_quantinfer_known}")
  return()
endif()

if(NOT TARGET QuantInfer::quantinfer)
  add_library(QuantInfer::quantinfer STATIC IMPORTED)
  set_target_properties(QuantInfer::quantinfer PROPERTIES
    IMPORTED_LOCATION "${_quantinfer_library}"
    INTERFACE_INCLUDE_DIRECTORIES "${_quantinfer_root}/include")
endif()
