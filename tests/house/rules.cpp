#include "rules.h"

#include <algorithm>
#include <cstdint>
#include <regex>
#include <sstream>

#include "cpp_text.h"

namespace kilotoken::house {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string at_line(std::string_view path, size_t line) {
  return std::string(path) + ":" + std::to_string(line);
}

// UTF-8 bytes that begin a character.
int64_t width(std::string_view line) {
  return std::count_if(line.begin(), line.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

std::string count_over(std::string_view what, int64_t count, int limit) {
  std::ostringstream text;
  text << what << " has " << count << ", the limit is " << limit;
  return text.str();
}

}  // namespace

Layers parse_layers(std::string_view text, std::vector<Finding>& findings) {
  Layers layers;
  static const std::regex kRow(R"(([a-z_/]+)\s*:\s*(.*))");
  const std::vector<std::string> lines = lines_of(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || lines[i][0] == '#') continue;
    std::smatch row;
    if (!std::regex_match(lines[i], row, kRow)) {
      findings.push_back({"layers", at_line("src/LAYERS", i + 1), "not 'room : rooms'"});
      continue;
    }
    const std::string room = row.str(1);
    std::set<std::string> allowed;
    std::istringstream words(row.str(2));
    for (std::string word; words >> word;) {
      if (!layers.allowed.contains(word)) {
        findings.push_back({"layers", at_line("src/LAYERS", i + 1),
                            room + " names " + word + ", which is not a room above it"});
      }
      allowed.insert(word);
    }
    if (layers.allowed.contains(room)) {
      findings.push_back({"layers", at_line("src/LAYERS", i + 1), room + " stands here twice"});
    }
    layers.rooms.push_back(room);
    layers.allowed[room] = allowed;
  }
  return layers;
}

std::string room_of(const Layers& layers, std::string_view path) {
  std::string best;
  for (const std::string& room : layers.rooms) {
    if (path.starts_with(room + "/") && room.size() > best.size()) best = room;
  }
  return best;
}

std::set<std::string> check_includes(const Layers& layers, std::string_view path,
                                     std::string_view text, std::vector<Finding>& findings) {
  std::set<std::string> used;
  const std::string room = room_of(layers, path);
  const std::string file = "src/" + std::string(path);
  if (room.empty()) {
    findings.push_back({"layers", file, "lies in no room of src/LAYERS"});
    return used;
  }
  static const std::regex kInclude(R"re(^\s*#\s*include\s*"([^"]+)")re");
  const std::vector<std::string> lines = lines_of(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(lines[i], match, kInclude)) continue;
    const std::string target = room_of(layers, match.str(1));
    if (target.empty()) {
      findings.push_back({"layers", at_line(file, i + 1),
                          "\"" + match.str(1) + "\" is no path from src/ into a room"});
    } else if (target != room && !layers.allowed.at(room).contains(target)) {
      findings.push_back({"layers", at_line(file, i + 1),
                          room + " may not include from " + target + " (src/LAYERS)"});
    }
    if (!target.empty() && target != room) used.insert(target);
  }
  return used;
}

void check_sizes(std::string_view path, std::string_view text, const Limits& limits,
                 std::vector<Finding>& findings) {
  const std::vector<std::string> lines = lines_of(text);
  const auto count = static_cast<int64_t>(lines.size());
  if (count > limits.file_lines) {
    findings.push_back({"file", std::string(path), count_over("lines", count, limits.file_lines)});
  }
  const bool prose = path.ends_with(".py");  // the developers' tools are mostly text to learn from
  for (size_t i = 0; !prose && i < lines.size(); ++i) {
    const int64_t columns = width(lines[i]);
    if (columns > limits.columns) {
      findings.push_back(
          {"columns", at_line(path, i + 1), count_over("the line", columns, limits.columns)});
    }
  }
  const bool header = path.ends_with(".h");
  if (header && path.starts_with("src/") && count > limits.header_lines) {
    findings.push_back(
        {"header", std::string(path), count_over("lines", count, limits.header_lines)});
  }
  if (!header && !path.ends_with(".cpp")) return;
  for (const Function& function : functions(text)) {
    if (function.last_line - function.first_line + 1 > limits.function_lines) {
      findings.push_back({"function", std::string(path), function.name});
    }
  }
}

void check_name(std::string_view path, std::vector<Finding>& findings) {
  static const std::set<std::string> kSayNothing = {"util",    "utils",    "helper", "helpers",
                                                    "common",  "core",     "impl",   "misc",
                                                    "manager", "framework"};
  std::istringstream parts{std::string(path)};
  for (std::string part; std::getline(parts, part, '/');) {
    const std::string stem = part.substr(0, part.find('.'));
    if (kSayNothing.contains(stem)) {
      findings.push_back(
          {"name", std::string(path), "'" + stem + "' says nothing; name the thing"});
    }
  }
}

std::vector<std::string> named_paths(std::string_view markdown) {
  static const std::regex kPath(
      R"(`((?:src|tests|docs|cmake|tools|models)/[^`\s<>*]*|[A-Z][\w-]*\.(?:md|txt|json))`)");
  const std::string text(markdown);
  std::vector<std::string> paths;
  for (auto it = std::sregex_iterator(text.begin(), text.end(), kPath);
       it != std::sregex_iterator(); ++it) {
    paths.push_back(it->str(1));
  }
  return paths;
}

void apply_exceptions(std::string_view text, std::vector<Finding>& findings) {
  static const std::regex kRow(R"((\w+)\s+(\S+?)(?:\s+(\S+?))?\s*:\s*(.*))");
  const std::vector<std::string> lines = lines_of(text);
  std::vector<Finding> stale;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || lines[i][0] == '#') continue;
    const std::string where = at_line("tests/house/exceptions.txt", i + 1);
    std::smatch row;
    if (!std::regex_match(lines[i], row, kRow) || row.str(4).empty()) {
      stale.push_back({"exceptions", where, "not 'rule path [function]: reason'"});
      continue;
    }
    const auto excepted = [&](const Finding& finding) {
      const std::string path = finding.where.substr(0, finding.where.find(':'));
      return finding.rule == row.str(1) && path == row.str(2) &&
             (finding.rule != "function" || finding.what == row.str(3));
    };
    if (std::erase_if(findings, excepted) == 0) {
      stale.push_back({"exceptions", where, "excepts nothing any more; take it out"});
    }
  }
  findings.insert(findings.end(), stale.begin(), stale.end());
}

}  // namespace kilotoken::house
