#include "cli/settings.h"

#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>

#include "base/json.h"
#include "cli/settings_file.h"
#include "cli/suggest.h"

namespace kilotoken {
namespace {

constexpr std::string_view kConfig = "config", kPrint = "print-config";
constexpr std::string_view kSecret = "api-key";

using Options = std::vector<const CLI::Option*>;

// The name that a file and the environment use; a positional one has no dashes of its own.
std::string name_of(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name() : option.get_lnames().front();
}

bool has_name(const CLI::Option& option, std::string_view name) {
  const auto& names = option.get_lnames();
  return name_of(option) == name || std::find(names.begin(), names.end(), name) != names.end();
}

bool is_flag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

Options settable(const CLI::App& command) {
  Options options = command.get_options();
  std::erase_if(options, [](const CLI::Option* option) {
    return has_name(*option, "help") || has_name(*option, kConfig) || has_name(*option, kPrint);
  });
  return options;
}

const CLI::Option* find(const Options& options, std::string_view name) {
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const CLI::Option* o) { return has_name(*o, name); });
  return found == options.end() ? nullptr : *found;
}

std::vector<std::string> names_of(const Options& options) {
  std::vector<std::string> names;
  for (const CLI::Option* option : options) {
    names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
    if (option->get_lnames().empty()) names.push_back(name_of(*option));
  }
  return names;
}

// "port" for "--port=9000"; empty for what is no flag.
std::string_view flag_name(std::string_view word) {
  if (!word.starts_with("--")) return {};
  return word.substr(2, std::min(word.find('='), word.size()) - 2);
}

std::string variable_of(std::string_view name) {
  std::string variable = "KILOTOKEN_";
  for (const char c : name) variable += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return variable;
}

// Those that have no subcommands of their own, at any depth.
void add_commands_of(const CLI::App& app, std::vector<const CLI::App*>& commands) {
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  if (below.empty()) commands.push_back(&app);
  for (const CLI::App* command : below) add_commands_of(*command, commands);
}

std::vector<const CLI::App*> commands_of(const CLI::App& program) {
  std::vector<const CLI::App*> commands;
  add_commands_of(program, commands);
  return commands;
}

// "bench serve": without the program's own name.
std::string path_of(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  const bool top = !parent || !parent->get_parent();
  return (top ? "" : path_of(*parent) + " ") + command.get_name();
}

// The subcommand that the first words name; null: none. `count` of words name it.
const CLI::App* command_of(const CLI::App& program, const std::vector<std::string>& words,
                           size_t& count) {
  const CLI::App* command = &program;
  for (count = 0; count < words.size(); ++count) {
    const auto named = [&](const CLI::App* app) { return app->get_name() == words[count]; };
    const auto below = command->get_subcommands([](const CLI::App*) { return true; });
    const auto found = std::find_if(below.begin(), below.end(), named);
    if (found == below.end()) break;
    command = *found;
  }
  return count > 0 ? command : nullptr;
}

// What the words of one command line say, as far as it must be known before they are parsed.
struct Given {
  std::vector<const CLI::Option*> options;
  std::string config;
  bool positional = false, print = false, help = false;
};

Result<Given> read_words(const CLI::App& command, const std::vector<std::string>& words,
                         size_t first) {
  const Options options = command.get_options();
  Given given;
  size_t i = first;
  for (; i < words.size() && words[i] != "--"; ++i) {
    const std::string_view name = flag_name(words[i]);
    if (words[i] == "-h") given.help = true;
    if (name.empty()) {
      given.positional = given.positional || !words[i].starts_with("-");
      continue;
    }
    const CLI::Option* option = find(options, name);
    if (!option) {
      return invalid("kilotoken " + path_of(command) + " has no flag --" + std::string(name) +
                     did_you_mean(name, names_of(options), "--") + " (see kilotoken " +
                     path_of(command) + " --help)");
    }
    given.options.push_back(option);
    given.help = given.help || name == "help";
    given.print = given.print || name == kPrint;
    const bool inside = words[i].find('=') != std::string::npos;
    if (name == kConfig) {
      if (inside) given.config = words[i].substr(words[i].find('=') + 1);
      if (!inside && i + 1 < words.size()) given.config = words[i + 1];
    }
    if (!is_flag(*option) && !inside) ++i;  // its value
  }
  given.positional = given.positional || i + 1 < words.size();  // what follows "--"
  return given;
}

// Every name in the file must be a flag of some subcommand, those in a section of that one.
Result<void> check_names(const CLI::App& program, const std::string& path,
                         const SettingsFile& file) {
  Options all;
  for (const CLI::App* app : commands_of(program)) {
    const Options own = settable(*app);
    all.insert(all.end(), own.begin(), own.end());
    const auto section = file.of_command.find(path_of(*app));
    if (section == file.of_command.end()) continue;
    for (const auto& [name, values] : section->second) {
      if (find(own, name)) continue;
      return invalid(path + ": kilotoken " + path_of(*app) + " has no flag " + name +
                     did_you_mean(name, names_of(own)));
    }
  }
  for (const auto& [name, values] : file.common) {
    if (!find(all, name)) {
      return invalid(path + ": no subcommand has a flag " + name +
                     did_you_mean(name, names_of(all)));
    }
  }
  return {};
}

// Others than flags have such names too (KILOTOKEN_ISA): only what nearly is a flag is a mistake.
std::vector<std::string> mistyped_variables(const CLI::App& program) {
  const std::string prefix = "KILOTOKEN_";
  std::vector<std::string> known, warnings;
  for (const CLI::App* app : commands_of(program)) {
    for (const std::string& name : names_of(settable(*app))) {
      known.push_back(variable_of(name).substr(prefix.size()));
    }
  }
  for (char** entry = environ; *entry; ++entry) {
    const std::string name(*entry, std::string_view(*entry).find('='));
    if (!name.starts_with(prefix)) continue;
    const std::string rest = name.substr(prefix.size());
    if (std::find(known.begin(), known.end(), rest) != known.end()) continue;
    const std::string hint = did_you_mean(rest, known, prefix, /*most=*/2);
    if (!hint.empty()) warnings.push_back("environment: " + name + " has no effect" + hint);
  }
  return warnings;
}

}  // namespace

// Read by gather_settings(), which looks at the words before they are parsed.
void add_settings_options(CLI::App& command) {
  const auto below = command.get_subcommands([](CLI::App*) { return true; });
  for (CLI::App* sub : below) add_settings_options(*sub);
  if (!below.empty()) return;
  command
      .add_option_function<std::string>(
          "--config", [](const std::string&) {},
          "a file with flags by name (YAML, or JSON as .json); a flag on the command line beats "
          "KILOTOKEN_FLAG_NAME in the environment, which beats the file")
      ->group("Settings");
  command
      .add_flag_callback(
          "--print-config", [] {}, "print every setting, its value and where it is from, and end")
      ->group("Settings");
}

Result<Settings> gather_settings(const CLI::App& program, std::vector<std::string> words) {
  Settings settings;
  settings.words = std::move(words);
  size_t named = 0;
  const CLI::App* command = command_of(program, settings.words, named);
  if (!command) return settings;
  KT_TRY(const Given given, read_words(*command, settings.words, named));
  if (given.help) return settings;
  settings.print = given.print;
  settings.warnings = mistyped_variables(program);
  SettingsFile::Values from_file;
  if (!given.config.empty()) {
    std::vector<std::string> names;
    for (const CLI::App* app : commands_of(program)) {
      names.push_back(path_of(*app));
    }
    KT_TRY(const SettingsFile file, read_settings_file(given.config, names));
    KT_TRY_VOID(check_names(program, given.config, file));
    from_file = file.common;
    const auto own = file.of_command.find(path_of(*command));
    if (own != file.of_command.end()) {
      for (const auto& [name, values] : own->second) from_file[name] = values;
    }
  }
  for (const CLI::Option* option : settable(*command)) {
    const bool positional = option->get_lnames().empty();
    const auto& seen = given.options;
    if (positional ? given.positional : std::find(seen.begin(), seen.end(), option) != seen.end()) {
      continue;
    }
    const auto add = [&](const std::string& name, const std::string& value,
                         const std::string& origin) {
      auto& all = settings.words;
      const auto front = all.begin() + static_cast<std::ptrdiff_t>(named);
      // In front, where no flag with many values can take it for one of its own.
      if (positional) all.insert(front, value);
      if (!positional) all.insert(std::find(front, all.end(), "--"), "--" + name + "=" + value);
      settings.origins[name_of(*option)] = origin;
    };
    const std::string variable = variable_of(name_of(*option));
    if (const char* value = std::getenv(variable.c_str())) {
      add(name_of(*option), value, variable);
      continue;
    }
    for (const auto& [name, values] : from_file) {
      if (!has_name(*option, name)) continue;
      for (const std::string& value : values) add(name, value, given.config);
    }
  }
  return settings;
}

namespace {

std::string yaml_text(const std::string& value) {
  const bool plain = !value.empty() &&
                     value.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                         "XYZ0123456789_./-") == std::string::npos &&
                     value.front() != '-';
  return plain ? value : OrderedJson(value).dump();
}

std::string line_of(const CLI::Option& option, const Settings& settings) {
  const std::string name = name_of(option);
  const auto origin = settings.origins.find(name);
  std::string from = origin != settings.origins.end() ? origin->second
                     : option.count() > 0             ? "command line"
                                                      : "default";
  std::string value;
  if (option.count() == 0) {
    value = option.get_default_str();
    if (value.empty() && is_flag(option)) value = "false";
    if (value.empty()) return "# " + name + ": not set";
    value = yaml_text(value);
  } else if (name == kSecret) {
    return "# " + name + ": given, not shown here  # " + from;
  } else if (is_flag(option)) {
    value = option.as<bool>() ? "true" : "false";
  } else {
    const auto& results = option.results();
    for (const std::string& result : results) {
      value += (value.empty() ? "" : ", ") + yaml_text(result);
    }
    if (results.size() > 1) value = "[" + value + "]";
  }
  std::string line = name + ": " + value;
  if (line.size() < 40) line.resize(40, ' ');
  return line + "  # " + from;
}

}  // namespace

std::string settings_text(const CLI::App& command, const Settings& settings) {
  std::string text = "# kilotoken " + path_of(command) +
                     ". A flag beats KILOTOKEN_FLAG_NAME in the environment, which beats --config "
                     "FILE.\n";
  for (const CLI::Option* option : settable(command)) text += line_of(*option, settings) + "\n";
  return text;
}

}  // namespace kilotoken
