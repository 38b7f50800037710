#include "measure/bench/report.h"

#include "page/assets.h"

namespace kilotoken::bench {
namespace {

// JSON within a script element: nothing in it may end the element.
std::string in_script(std::string text) {
  for (size_t at = 0; (at = text.find("</", at)) != text.npos; at += 3) text.insert(at + 1, "\\");
  for (size_t at = 0; (at = text.find("<!--", at)) != text.npos; at += 5) {
    text.replace(at, 1, "\\u003c");
  }
  return text;
}

Result<std::string_view> asset(std::string_view path) {
  const Asset* found = find_asset(path);
  if (found) return found->bytes;
  return Error{ErrorCode::kInternal, "the program carries no " + std::string(path), {}};
}

std::string json_text(const OrderedJson& json) {
  return in_script(json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace));
}

}  // namespace

Result<std::string> report_html(const OrderedJson& result, const std::string& requests) {
  KT_TRY(const std::string_view chart, asset("/assets/lib/chart.js"));
  KT_TRY(const std::string_view licence, asset("/assets/lib/chart.license.txt"));
  KT_TRY(const std::string_view style, asset("/assets/bench_report.css"));
  KT_TRY(const std::string_view words, asset("/assets/bench_report_words.js"));
  KT_TRY(const std::string_view script, asset("/assets/bench_report.js"));
  OrderedJson lines = OrderedJson::array();
  for (size_t at = 0; at < requests.size();) {
    const size_t end = requests.find('\n', at);
    lines.push_back(OrderedJson::parse(requests.substr(at, end - at)));
    at = end == requests.npos ? requests.size() : end + 1;
  }
  std::string html =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:\">\n"
      "<title>kilotoken bench</title>\n<style>\n";
  html.append(style).append("</style>\n</head>\n<body>\n<div id=\"report\"></div>\n");
  html.append("<script type=\"application/json\" id=\"result\">").append(json_text(result));
  html.append("</script>\n<script type=\"application/json\" id=\"requests\">");
  html.append(json_text(lines)).append("</script>\n<script>\n");
  html.append(in_script(std::string(chart))).append("\n</script>\n<script>\n");
  html.append(words).append("\n</script>\n<script>\n").append(script);
  html.append("</script>\n<script type=\"text/plain\" id=\"chart-licence\">\n");
  html.append(in_script(std::string(licence))).append("</script>\n</body>\n</html>\n");
  return html;
}

}  // namespace kilotoken::bench
