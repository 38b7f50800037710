#pragma once
// Jinja templates as Hugging Face transformers runs them: Jinja2 3.1 with trim_blocks and
// lstrip_blocks, loop controls, {% generation %}, its own tojson, raise_exception and strftime_now,
// in the immutable sandbox (https://jinja.palletsprojects.com/en/stable/templates/ and
// transformers/utils/chat_template_utils.py). A template reads nothing but its variables.
//
// Differences: integers have 64 bits, and more is an error; include, import, extends and block are
// refused, as is what reaches for a limit of model/jinja/limits.h; markup is plain text.

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "model/jinja/limits.h"

namespace kilotoken::jinja {

class Template {
 public:
  // kInvalid with the line; `where` names the template in errors.
  static Result<std::shared_ptr<const Template>> parse(std::string_view source,
                                                       std::string_view where);
  ~Template();

  // `variables` is an object. kInvalid, with the line, for whatever the template raises and for a
  // limit that it runs into, which the message names. From any thread.
  Result<std::string> render(const OrderedJson& variables, int64_t now_unix_s,
                             const Limits& limits = {}) const;

  // Whether a "for" goes over item `key` of the elements of `variable`, under whatever names the
  // template gives them; the rule is vLLM's (entrypoints/chat_utils.py,
  // _iter_nodes_assign_content_item).
  bool loops_over_item(std::string_view variable, std::string_view key) const;

 private:
  struct Parsed;
  explicit Template(std::unique_ptr<const Parsed> parsed);

  std::unique_ptr<const Parsed> parsed_;
};

}  // namespace kilotoken::jinja
