#pragma once
// Datasets: where the prompts of a plan come from. Each fills in the sessions, without their times,
// and says by notes what it left out or changed.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "measure/bench/plan.h"
#include "measure/bench/words.h"

namespace kilotoken::bench {

struct DataOptions {
  std::string name = "random";  // sharegpt, random, prefix_repetition, custom, azure, mooncake
  std::string path;
  size_t count = 1000;    // requests
  bool chat = false;      // the prompts will be messages
  int max_model_len = 0;  // of the server; 0: not known
  uint64_t seed = 0;
  // Made-up prompts begin with something that no other run has sent, so that no cache knows them.
  bool salt_prompts = true;
  uint64_t salt = 0;
  bool oversample = true;  // too few records are drawn again
  bool shuffle = true;
  int sharegpt_output_len = 0;  // 0: the length of the answer in the file
  int random_input_len = 1024, random_output_len = 128, random_prefix_len = 0;
  double random_range_ratio = 0;  // lengths from L (1 - r) to L (1 + r)
  int prefix_len = 256, suffix_len = 256, num_prefixes = 10, prefix_output_len = 128;
  int custom_output_len = 256;
  double trace_speed = 1;  // of a trace's clock
};

// A trace's requests come when it says.
inline bool has_own_times(const std::string& dataset) {
  return dataset == "azure" || dataset == "mooncake";
}

// kInvalid names the flag, or the file, the line, and what was expected there.
Result<Plan> make_plan(const DataOptions& options, const Words& words);

// Parts of it, by dataset.
Result<Plan> plan_sharegpt(const DataOptions& options, const Words& words);
Result<Plan> plan_custom(const DataOptions& options, const Words& words);
Result<Plan> plan_azure(const DataOptions& options, const Words& words);
Result<Plan> plan_mooncake(const DataOptions& options, const Words& words);

// Room that a chat template takes of the context, as far as it can be known beforehand.
int template_tokens(bool chat, size_t messages);

// Says that lengths count words, where they do.
void note_tokenizer(Plan& plan, const Words& words);

// Puts a prompt of `tokens` into a turn: ids where they can be sent, else words.
void fill_turn(Turn& turn, const DataOptions& options, const Words& words, uint32_t stream,
               uint64_t index, int tokens);

}  // namespace kilotoken::bench
