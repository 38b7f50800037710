// kilotoken: flags in, one subcommand run, errors as one line and exit code 1.

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "cli/commands.h"
#include "compute/kernels/kernels.h"

namespace kilotoken {
namespace {

std::string version_text() {
  std::string text = "kilotoken " KILOTOKEN_VERSION "\nkernel tables:";
  for (const KernelTable& table : kernel_tables()) {
    text += " " + std::string(table.kernels->name);
    if (!table.runs_here) text += " (not here: needs " + std::string(table.needs) + ")";
  }
  return text;
}

int fail(const std::string& message) {
  std::fprintf(stderr, "kilotoken: %s\n", message.c_str());
  return 1;
}

int run(int argc, char** argv) {
  CLI::App program("Serves large language models over the OpenAI API, on CPUs.", "kilotoken");
  program.require_subcommand(1);
  program.set_version_flag("--version", version_text);
  Command chosen;
  const auto remember = [&](const char* name, Command command) {
    program.get_subcommand(name)->final_callback([&chosen, command] { chosen = command; });
  };
  remember("serve", add_serve(program));
  remember("generate", add_generate(program));
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return program.exit(success);
  } catch (const CLI::ParseError& error) {
    return fail(std::string(error.what()) + " (see kilotoken --help)");
  }
  std::signal(SIGPIPE, SIG_IGN);  // a vanished reader is an error of that write, not our end
  const Result<void> result = chosen();
  return result.ok() ? 0 : fail(result.error().message);
}

}  // namespace
}  // namespace kilotoken

int main(int argc, char** argv) { return kilotoken::run(argc, argv); }
