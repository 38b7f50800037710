// kilotoken: flags in, one subcommand run, errors as one line and exit code 1.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string>

#include "cli/commands.h"
#include "cli/settings.h"
#include "cli/suggest.h"
#include "compute/kernels/kernels.h"
#include "page/assets.h"

namespace kilotoken {
namespace {

std::string version_text() {
  std::string text =
      "kilotoken " KILOTOKEN_VERSION "\nbuilt with: " KILOTOKEN_COMPILER "\nkernel tables:";
  for (const KernelTable& table : kernel_tables()) {
    text += " " + std::string(table.kernels->name);
    if (!table.runs_here) text += " (not here: needs " + std::string(table.needs) + ")";
  }
  text += "\nembedded: chat page with";
  for (const Asset& asset : assets()) {
    constexpr std::string_view kLibraries = "/assets/lib/";
    if (!asset.path.starts_with(kLibraries) || !asset.path.ends_with(".js")) continue;
    text += " " + std::string(asset.path.substr(kLibraries.size()));
  }
  return text;
}

int fail(const std::string& message) {
  std::fprintf(stderr, "kilotoken: %s\n", message.c_str());
  return 1;
}

constexpr const char* kFooter =
    "Try:\n"
    "  kilotoken serve demo                  then open http://127.0.0.1:8000 in a browser\n"
    "  kilotoken COMMAND --help              the flags of a command, with units and defaults\n"
    "  kilotoken serve demo --print-config   every setting and where it comes from\n"
    "A flag beats KILOTOKEN_FLAG_NAME in the environment, which beats --config FILE.";

std::vector<std::string> command_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* app : program.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(app->get_name());
  }
  return names;
}

// Every subcommand, each to be remembered when the command line names it.
void add_commands(CLI::App& program, Command& chosen) {
  const auto remember = [&](const char* name, const Command& command) {
    program.get_subcommand(name)->final_callback([&chosen, command] { chosen = command; });
  };
  remember("serve", add_serve(program));
  remember("generate", add_generate(program));
  remember("chat", add_chat(program));
  remember("eval", add_eval(program));
  remember("bench", add_bench(program));
  add_settings_options(program);
}

int run(int argc, char** argv) {
  CLI::App program("Serves large language models over the OpenAI API, on CPUs.", "kilotoken");
  program.require_subcommand(1);
  program.set_version_flag("--version", version_text);
  program.footer(kFooter);
  Command chosen;
  add_commands(program, chosen);
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) return fail("no command given (see kilotoken --help)");
  const std::vector<std::string> names = command_names(program);
  const std::string& first = words.front();
  if (!first.starts_with("-") && std::find(names.begin(), names.end(), first) == names.end()) {
    return fail("there is no command " + first + did_you_mean(first, names) +
                " (see kilotoken --help)");
  }
  const Result<Settings> settings = gather_settings(program, words);
  if (!settings.ok()) return fail(settings.error().message);
  for (const std::string& warning : settings->warnings) {
    std::fprintf(stderr, "kilotoken: warning: %s\n", warning.c_str());
  }
  try {
    // CLI11 takes words from the end.
    std::vector<std::string> reversed(settings->words.rbegin(), settings->words.rend());
    program.parse(reversed);
  } catch (const CLI::Success& success) {
    return program.exit(success);
  } catch (const CLI::ParseError& error) {
    return fail(std::string(error.what()) + " (see kilotoken " +
                (first.starts_with("-") ? "" : first + " ") + "--help)");
  }
  if (settings->print) {
    const CLI::App* command = &program;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
    std::printf("%s", settings_text(*command, *settings).c_str());
    return std::fflush(stdout) == 0 ? 0 : fail("cannot write to standard output");
  }
  std::signal(SIGPIPE, SIG_IGN);  // a vanished reader is an error of that write, not our end
  const Result<void> result = chosen();
  if (result.ok()) return 0;
  fail(result.error().message);
  return result.error().field == "--strict" ? 3 : 1;  // there is a result, and a doubt
}

}  // namespace
}  // namespace kilotoken

int main(int argc, char** argv) { return kilotoken::run(argc, argv); }
