#pragma once
// Settings: what a command line leaves open is looked for in the environment and in a file. A flag
// beats KILOTOKEN_FLAG_NAME, which beats --config FILE, which beats the default.

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
}

namespace kilotoken {

// Adds --config and --print-config to every subcommand below `program`.
void add_settings_options(CLI::App& program);

struct Settings {
  std::vector<std::string> words;              // of the command line, with what it left open
  std::map<std::string, std::string> origins;  // of those values: by flag, "KILOTOKEN_PORT"
  std::vector<std::string> warnings;           // names in the environment that are nearly flags
  bool print = false;                          // --print-config was given
};

// `words`: the command line after the program's name. A flag that the subcommand does not have, in
// the words or in the file, is an error that names the nearest one.
Result<Settings> gather_settings(const CLI::App& program, std::vector<std::string> words);

// The values in force after parsing, as a file that --config takes, with where each is from. Keys
// are not shown.
std::string settings_text(const CLI::App& command, const Settings& settings);

}  // namespace kilotoken
