#pragma once
// The entry point that libFuzzer and replay.cpp call: one input, which must neither crash nor hang.

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
