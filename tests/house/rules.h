#pragma once
// The rules of the house as functions from text to findings, so that each can be shown to fire.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kilotoken::house {

struct Finding {
  std::string rule;   // "layers", "file", "header", "function", "columns", "path", "name"
  std::string where;  // path, or path:line
  std::string what;   // for "function" its name, otherwise what to change
};

struct Limits {
  int file_lines = 500;
  int header_lines = 120;
  int function_lines = 70;
  int columns = 100;
};

// src/LAYERS: a room and the rooms its files may include.
struct Layers {
  std::vector<std::string> rooms;  // lowest first
  std::map<std::string, std::set<std::string>> allowed;
};
Layers parse_layers(std::string_view text, std::vector<Finding>& findings);

// The room of a path relative to src/; empty when no room holds it.
std::string room_of(const Layers& layers, std::string_view path);

// `path` is relative to src/. Quoted includes must name a room that the file's own room may use.
// Returns the rooms that the file includes.
std::set<std::string> check_includes(const Layers& layers, std::string_view path,
                                     std::string_view text, std::vector<Finding>& findings);

// File, header and function sizes and line widths of one source file.
void check_sizes(std::string_view path, std::string_view text, const Limits& limits,
                 std::vector<Finding>& findings);

// Folder and file names that say nothing about what is inside.
void check_name(std::string_view path, std::vector<Finding>& findings);

// Paths of this tree that a document names between backticks.
std::vector<std::string> named_paths(std::string_view markdown);

// tests/house/exceptions.txt: "rule path [function]: reason". Takes the findings that are excepted
// out of `findings`; an exception that excepts nothing, or gives no reason, is itself a finding.
void apply_exceptions(std::string_view text, std::vector<Finding>& findings);

}  // namespace kilotoken::house
