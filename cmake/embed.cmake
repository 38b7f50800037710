# Files embedded in the program: kt_embed(WEBPATH FILE) gives `src/page/assets.h` one more asset,
# its bytes constant in one generated source. Included as a module it declares that; run as a script
# (cmake -DMANIFEST=... -DOUTPUT=... -P embed.cmake) it writes the source from a list of
# "webpath|file" lines. Building takes no other tool than CMake.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(kt_embed_script ${CMAKE_CURRENT_LIST_FILE})
  set(KT_EMBEDDED "")

  # kt_embed(WEBPATH FILE): FILE of this tree under WEBPATH ("/assets/app.js").
  macro(kt_embed webpath file)
    list(APPEND KT_EMBEDDED "${webpath}|${file}")
  endmacro()

  # kt_embed_library(NAME PACKAGE FILE): a script of a Debian package under /assets/lib/NAME.js, and
  # its licence, which asks to go wherever the script goes, under /assets/lib/NAME.license.txt.
  macro(kt_embed_library name package file)
    foreach(needed ${file} /usr/share/doc/${package}/copyright)
      if(NOT EXISTS ${needed})
        message(FATAL_ERROR "${needed} is missing: apt-get install ${package}")
      endif()
    endforeach()
    kt_embed(/assets/lib/${name}.js ${file})
    kt_embed(/assets/lib/${name}.license.txt /usr/share/doc/${package}/copyright)
  endmacro()

  # kt_embed_write(TARGET): all of them become a source of TARGET.
  function(kt_embed_write target)
    set(manifest ${PROJECT_BINARY_DIR}/embedded/manifest.txt)
    set(output ${PROJECT_BINARY_DIR}/embedded/assets_data.cpp)
    list(JOIN KT_EMBEDDED "\n" lines)
    file(CONFIGURE OUTPUT ${manifest} CONTENT "${lines}\n")
    list(TRANSFORM KT_EMBEDDED REPLACE "^[^|]*[|]" "" OUTPUT_VARIABLE files)
    add_custom_command(OUTPUT ${output}
      COMMAND ${CMAKE_COMMAND} -DMANIFEST=${manifest} -DOUTPUT=${output} -P ${kt_embed_script}
      DEPENDS ${files} ${manifest} ${kt_embed_script}
      COMMENT "Embedding web files" VERBATIM)
    target_sources(${target} PRIVATE ${output})
    set_source_files_properties(${output} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  endfunction()
  return()
endif()

set(types_html "text/html; charset=utf-8")
set(types_js "text/javascript; charset=utf-8")
set(types_css "text/css; charset=utf-8")
set(types_json "application/json")
set(types_svg "image/svg+xml")
set(types_txt "text/plain; charset=utf-8")
set(types_webmanifest "application/manifest+json")

file(STRINGS ${MANIFEST} lines)
set(arrays "")
set(rows "")
set(index 0)
foreach(line ${lines})
  string(REGEX MATCH "^([^|]+)[|](.+)$" matched "${line}")
  set(webpath ${CMAKE_MATCH_1})
  set(file ${CMAKE_MATCH_2})
  string(REGEX MATCH "[a-z]+$" extension ${webpath})
  if(webpath STREQUAL "/")
    set(extension html)
  endif()
  if(NOT DEFINED types_${extension})
    message(FATAL_ERROR "${webpath}: no content type for .${extension}; add it to embed.cmake")
  endif()
  file(READ ${file} hex HEX)
  file(SHA256 ${file} sha)
  string(SUBSTRING ${sha} 0 32 sha)
  # String literals, since compilers read them a hundred times faster than lists of numbers.
  string(REGEX REPLACE "(..)" "\\\\x\\1" text "${hex}")
  string(LENGTH "${hex}" digits)
  math(EXPR bytes "${digits} / 2")
  string(APPEND arrays "constexpr char k${index}[] =\n    \"${text}\";\n")
  string(APPEND rows "    {\"${webpath}\", \"${types_${extension}}\", \"\\\"${sha}\\\"\",\n"
                     "     {k${index}, ${bytes}}},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Made by cmake/embed.cmake.\n\n#include \"page/assets.h\"\n\n"
  "namespace kilotoken {\nnamespace {\n\n${arrays}\nconstexpr Asset kAssets[] = {\n${rows}};\n\n"
  "}  // namespace\n\nstd::span<const Asset> assets() { return kAssets; }\n\n"
  "}  // namespace kilotoken\n")
