#pragma once
// The flags that every subcommand loading a model shares, with vLLM's names and meanings.

#include <functional>

#include "serve/load/served_model.h"

namespace CLI {
class App;
}

namespace kilotoken {

void add_model_options(CLI::App& command, ServeOptions& options);

// --quantization and --activations; `group` may be empty.
void add_quantization_options(CLI::App& command, std::string& quantization,
                              std::string& activations, const std::string& group);

// A progress bar for loading, on standard error if that is a terminal; else nothing.
std::function<void(int64_t done, int64_t total)> loading_progress();

}  // namespace kilotoken
