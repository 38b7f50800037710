#pragma once
// The subcommands. Each adds its flags to the program and returns what runs once they are parsed.

#include <functional>

#include "base/result.h"

namespace CLI {
class App;
}

namespace kilotoken {

using Command = std::function<Result<void>()>;

Command add_serve(CLI::App& program);
Command add_generate(CLI::App& program);
Command add_chat(CLI::App& program);
Command add_eval(CLI::App& program);
Command add_bench(CLI::App& program);

}  // namespace kilotoken
