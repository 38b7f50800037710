#include "engine/run/simulated_kv.h"

#include <algorithm>

#include "base/check.h"

namespace kilotoken {
namespace {

// The finalizer of SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
// Generators", OOPSLA 2014).
uint64_t mix(uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

uint64_t mix(uint64_t one, uint64_t other) { return mix(one + 0x9e3779b97f4a7c15 * (other + 1)); }

}  // namespace

uint64_t simulated_salt(const std::string& cache_salt) {
  uint64_t reads = 0;
  for (const char letter : cache_salt) reads = mix(reads, static_cast<unsigned char>(letter));
  return reads;
}

uint64_t simulated_slot(uint64_t before, int32_t token, int position) {
  return mix(mix(before, static_cast<uint32_t>(token)), static_cast<uint32_t>(position));
}

uint64_t simulated_share(uint64_t slot, int page) {
  return slot * (2 * static_cast<uint64_t>(page) + 1);
}

int32_t simulated_token(uint64_t before, uint64_t seed, int choice, int position, int vocab_size) {
  const uint64_t drawn = mix(
      mix(before, seed), (static_cast<uint64_t>(choice) << 32) | static_cast<uint32_t>(position));
  return static_cast<int32_t>(drawn % static_cast<uint64_t>(vocab_size));
}

float simulated_logprob(uint64_t before, int32_t token) {
  return -static_cast<float>(mix(before, static_cast<uint32_t>(token)) % 100'000) / 10'000;
}

SimulatedKv::SimulatedKv(int page_count, int page_tokens) : page_tokens_(page_tokens) {
  slots_.resize(static_cast<size_t>(page_count) * static_cast<size_t>(page_tokens));
  first_nan_.resize(static_cast<size_t>(page_count));
  for (int32_t page = 0; page < page_count; ++page) scramble(page);
}

SimulatedKv::Reading SimulatedKv::read(std::span<const int32_t> pages, int count) const {
  Reading reading;
  for (int page = 0; page * page_tokens_ < count; ++page) {
    const int32_t id = pages[static_cast<size_t>(page)];
    const int slots = std::min(page_tokens_, count - page * page_tokens_);
    const uint64_t* slot = &slots_[at(id, 0)];
    uint64_t sum = 0;
    for (int i = 0; i < slots; ++i) sum += slot[i];
    reading.sum += simulated_share(sum, page);
    if (first_nan_[static_cast<size_t>(id)] < slots) reading.is_number = false;
  }
  return reading;
}

void SimulatedKv::write(int32_t page, int slot, uint64_t value) {
  slots_[at(page, slot)] = value;
  // Slots are written in order, so what comes after is written again before it is read.
  int& first = first_nan_[static_cast<size_t>(page)];
  if (first == slot) first = page_tokens_;
}

void SimulatedKv::copy(int32_t from, int32_t to, int slots) {
  std::copy_n(&slots_[at(from, 0)], slots, &slots_[at(to, 0)]);
  const int nan = first_nan_[static_cast<size_t>(from)];
  first_nan_[static_cast<size_t>(to)] = nan < slots ? nan : page_tokens_;
}

void SimulatedKv::write_nan(int32_t page, int slot) {
  int& first = first_nan_[static_cast<size_t>(page)];
  first = std::min(first, slot);
}

void SimulatedKv::scramble(int32_t page) {
  ++scrambles_;
  for (int slot = 0; slot < page_tokens_; ++slot) {
    slots_[at(page, slot)] = mix(scrambles_, static_cast<uint64_t>(slot));
  }
  first_nan_[static_cast<size_t>(page)] = page_tokens_;
}

}  // namespace kilotoken
