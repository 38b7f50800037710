#pragma once
// A file of settings (--config): flags by name without their dashes, as YAML, or JSON if its name
// ends in .json. Names hold for every subcommand that has such a flag; those in a mapping named
// like a subcommand only for that one, and before the others.

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace kilotoken {

struct SettingsFile {
  using Values = std::map<std::string, std::vector<std::string>>;  // by name, with - for _
  Values common;
  std::map<std::string, Values> of_command;
};

// kNotFound, kInvalid: with the file's name, and the line where it has one.
Result<SettingsFile> read_settings_file(const std::string& path,
                                        const std::vector<std::string>& commands);

// The same of the text that `path` holds.
Result<SettingsFile> parse_settings(const std::string& text, const std::string& path,
                                    const std::vector<std::string>& commands);

}  // namespace kilotoken
