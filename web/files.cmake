# What the program carries in itself, by the path it is served at.
kt_embed(/ ${CMAKE_CURRENT_LIST_DIR}/index.html)
foreach(name style.css answer.css icon.svg
        bench_report.css bench_report.js bench_report_words.js
        api.js app.js conversation.js markdown.js metrics.js settings.js words.js)
  kt_embed(/assets/${name} ${CMAKE_CURRENT_LIST_DIR}/${name})
endforeach()
kt_embed_library(marked libjs-marked /usr/share/javascript/marked/marked.min.js)
kt_embed_library(purify node-dompurify /usr/share/nodejs/dompurify/dist/purify.min.js)
kt_embed_library(chart libjs-chart.js /usr/share/javascript/chart.js/chart.min.js)
