#pragma once
// LetterGroups: a vocabulary that needs no file: the bytes, then groups of one to four lower-case
// letters, with and without a space in front. English comes out at two to three characters a token.

#include <memory>
#include <string>

#include "model/text/models/text_model.h"

namespace kilotoken {

constexpr int32_t kLetterGroupsBegin = 256;  // ids below are bytes

// What token `id` stands for.
std::string letter_group(int32_t id);

// The longest group at each place, else a byte. Ids stay below `vocab_size`, at least 256.
std::unique_ptr<TextModel> make_letter_groups(int32_t vocab_size);

}  // namespace kilotoken
