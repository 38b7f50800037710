#pragma once
// Unicode normalization forms (UAX 15), in time that grows linearly with the text.

#include <string>
#include <string_view>

namespace kilotoken {

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

// `text` is valid UTF-8. A compatibility form may be up to eleven times as long.
std::string normal_form(std::string_view text, NormalForm form);

}  // namespace kilotoken
