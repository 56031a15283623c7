# SPDX-License-Identifier: Apache-2.0
#
# The include law: cmake -DSOURCE_DIR=<root> -P CheckLayering.cmake fails and names every #include
# that the layer of its file may not have. The picture and the reasons are in src/README.md.
cmake_minimum_required(VERSION 3.25)

set(std "<[a-z_0-9]+>")
set(posix "<(sys/[a-z]+|fcntl|unistd|sched|signal|termios|poll|errno)\\.h>")
set(fmt "<fmt/[a-z-]+\\.h>")
set(json "<nlohmann/json\\.hpp>")
set(ground "\"[a-z_0-9]+\\.h\"")
set(quant "\"quant/[a-z_0-9]+\\.h\"")
set(any_gemma2 "\"gemma2/[a-z_0-9]+\\.h\"")
# ISA files share weak symbols when they share inline functions, so no containers and no strings.
set(isa_std "<(algorithm|array|bit|cmath|cstddef|cstdint|cstring|limits|type_traits|utility|immintrin\\.h)>")

# law(<files> <includes...>): files whose path matches may have the includes that match. The first
# law whose pattern matches a file is the one that holds for it.
set(patterns "")
macro(law pattern)
  list(APPEND patterns "${pattern}")
  list(LENGTH patterns index)
  string(REPLACE ";" "|" law_${index} "${ARGN}")
endmacro()

law("^src/kernels/cpu/reference/" ${isa_std} "<xsimd/xsimd\\.hpp>" ${quant}
  "\"kernels/cpu/([a-z_0-9]+|reference/[a-z_0-9]+)\\.h\"")
law("^src/kernels/cpu/avx2/" ${isa_std} "<xsimd/xsimd\\.hpp>" ${quant}
  "\"kernels/cpu/([a-z_0-9]+|avx2/[a-z_0-9]+)\\.h\"")
law("^src/kernels/cpu/avx512/" ${isa_std} ${quant}
  "\"kernels/cpu/([a-z_0-9]+|avx512/[a-z_0-9]+)\\.h\"")
law("^src/kernels/cpu/neon/" ${isa_std} "<arm_neon\\.h>" ${quant}
  "\"kernels/cpu/([a-z_0-9]+|neon/[a-z_0-9]+)\\.h\"")
law("^src/kernels/cpu/cpu_features\\.cc" ${std} "<cpuid\\.h>" ${posix} "\"kernels/cpu/[a-z_0-9]+\\.h\"")
law("^src/kernels/cpu/" ${std} ${fmt} ${ground} ${quant} "<xsimd/xsimd\\.hpp>"
  "\"gemma2/(types|error|config|token_mask)\\.h\"" "\"kernels/(cpu/)?[a-z_0-9]+\\.h\"")
law("^src/kernels/cuda/" ${std} ${fmt} ${ground} ${quant} "<cuda[a-z_0-9]*\\.h>"
  "\"gemma2/(types|error|config|token_mask)\\.h\"" "\"kernels/(cuda/)?[a-z_0-9]+\\.(h|cuh)\"")
law("^src/kernels/" ${std} ${fmt} ${ground} ${quant} "\"gemma2/(types|error|config|token_mask)\\.h\""
  "\"kernels/[a-z_0-9]+\\.h\"")
law("^src/quant/" ${std} ${posix} ${fmt} ${json} ${ground} ${quant}
  "\"gemma2/(types|error|config|inspect|quantize)\\.h\"")
law("^src/tokenizer/[a-z_]*json[a-z_]*\\." ${std} ${fmt} ${json} ${ground} "\"tokenizer/[a-z_0-9]+\\.h\""
  "\"gemma2/(types|error|tokenizer|chat)\\.h\"")
law("^src/tokenizer/" ${std} ${fmt} ${ground} "\"tokenizer/[a-z_0-9]+\\.h\""
  "\"gemma2/(types|error|tokenizer|chat)\\.h\"")
law("^src/model/json_schema\\.cc" ${std} ${fmt} ${json} ${ground} ${any_gemma2} "\"model/[a-z_0-9]+\\.h\"")
law("^src/model/" ${std} ${fmt} ${ground} ${quant} ${any_gemma2} "\"(model|tokenizer)/[a-z_0-9]+\\.h\""
  "\"kernels/[a-z_0-9]+\\.h\"")
law("^src/[^/]+$" ${std} ${posix} ${fmt} ${ground} "\"gemma2/(types|error|export|version)\\.h\"")
law("^apps/peak/" ${std} ${posix} "<(immintrin|arm_neon|asm/hwcap)\\.h>" "\"peak[a-z_0-9]*\\.h\"")
# Boost takes long to compile and stays behind http.h: in http_*.cc and the headers that only they see.
law("^apps/server/http_[a-z_]+\\." ${std} ${posix} ${fmt} "<(arpa/inet|netdb|netinet/(in|tcp))\\.h>"
  "<boost/(asio|beast)/[a-z_/]+\\.hpp>" "\"gemma2/error\\.h\"" "\"http[a-z_]*\\.h\"")
law("^apps/server/[a-z_0-9]+\\.cc" ${std} ${posix} ${fmt} ${json} ${any_gemma2} "\"[a-z_0-9]+\\.h\"")
law("^apps/server/" ${std} ${any_gemma2} "\"[a-z_0-9]+\\.h\"")
law("^apps/cli/line_editor\\.cc" ${std} "<histedit\\.h>" "\"[a-z_0-9]+\\.h\"")
law("^apps/cli/" ${std} ${posix} "<elf\\.h>" ${fmt} ${json} ${any_gemma2} "<CLI/[A-Za-z]+\\.hpp>"
  "\"((cli/)?[a-z_0-9]+|server/server)\\.h\"")

set(broken "")
function(check file law)
  file(STRINGS ${SOURCE_DIR}/${file} lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "(<[^>]*>|\"[^\"]*\")" target "${line}")
    if(NOT target MATCHES "^(${law})$")
      set(broken "${broken}\n  ${file}: ${target}")
    endif()
  endforeach()
  set(broken "${broken}" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE ${SOURCE_DIR}
  ${SOURCE_DIR}/src/*.h ${SOURCE_DIR}/src/*.cc ${SOURCE_DIR}/src/*.cu ${SOURCE_DIR}/src/*.cuh
  ${SOURCE_DIR}/apps/*.h ${SOURCE_DIR}/apps/*.cc)
foreach(file IN LISTS files)
  set(index 0)
  foreach(pattern IN LISTS patterns)
    math(EXPR index "${index} + 1")
    if(file MATCHES "${pattern}")
      check(${file} "${law_${index}}")
      break()
    endif()
  endforeach()
endforeach()

# Public headers include only the standard library and headers further up this list: no cycles.
set(above "")
foreach(name export types error version token_mask config tokenizer chat grammar inspect quantize model
    kv_cache session sampling generate scheduler gemma2)
  if(EXISTS ${SOURCE_DIR}/include/gemma2/${name}.h)
    check(include/gemma2/${name}.h "${std}${above}")
  endif()
  string(APPEND above "|\"gemma2/${name}\\.h\"")
  list(APPEND public_headers ${name}.h)
endforeach()
file(GLOB found RELATIVE ${SOURCE_DIR}/include/gemma2 ${SOURCE_DIR}/include/gemma2/*)
list(REMOVE_ITEM found ${public_headers})
if(found)
  set(broken "${broken}\n  include/gemma2: not in the list of public headers: ${found}")
endif()

list(LENGTH files count)
if(broken)
  message(FATAL_ERROR "the include law of src/README.md is broken:${broken}")
endif()
message(STATUS "layering: ${count} files keep the include law")
