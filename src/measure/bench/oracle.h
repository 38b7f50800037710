#pragma once
// Oracle: a prefix cache that begins empty, remembers everything and never makes room. What it
// would find of a run's prompts is the most that any server's cache can.

#include <string>

#include "measure/bench/load_client.h"

namespace kilotoken::bench {

// The share of the prompts' tokens that begin as something sent or answered before: measured on the
// text that was sent and came back, prompt by prompt, each weighing as many tokens as the server
// (else the plan) says it has. In a chat an answer goes on from its prompt, so it is found by the
// turn after it; a completion's answer is not followed by the same text.
double oracle_hit_rate(const Plan& plan, const LoadRun& run, bool chat);

}  // namespace kilotoken::bench
