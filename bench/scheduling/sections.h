#pragma once
// The parts of the scheduling bench, one file each.

#include "workbench.h"

namespace kilotoken::bench {

struct Options {
  int requests = 64, batch = 16;
  int repeats = 3;
  int threads = 2;
  int long_prompt = 8000;  // or as long as the context allows
  int streams = 8;
};

struct Subject {
  const Model* model;
  const Tokenizer* tokenizer;
};

void bench_policies(const Subject& subject, const Options& options);
void bench_kv_cache(const Subject& subject, const Options& options);
void bench_chunks(const Subject& subject, const Options& options);
void bench_overlap(const Subject& subject, const Options& options);
void bench_scheduler(const Options& options);

}  // namespace kilotoken::bench
