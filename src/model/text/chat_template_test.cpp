#include "model/text/chat_template.h"

#include <gtest/gtest.h>

#include "model/text/template_source.h"

namespace kilotoken {
namespace {

const char* const kChatMl =
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}";

ChatTemplate compiled(std::string_view source, SpecialTokens tokens = {}) {
  auto out = ChatTemplate::compile(source, std::move(tokens), "config");
  KT_CHECK(out.ok(), out.error().message);
  return std::move(*out);
}

ChatInput conversation(const std::string& last) {
  ChatInput input;
  input.messages = {{{"role", "user"}, {"content", "Hi"}},
                    {{"role", "assistant"}, {"content", last}}};
  return input;
}

std::string rendered(std::string_view source, const ChatInput& input, SpecialTokens tokens = {}) {
  const auto out = compiled(source, std::move(tokens)).render(input);
  return out.ok() ? *out : "error: " + out.error().message;
}

TEST(ChatTemplate, SeesWhatTransformersPasses) {
  ChatInput input = conversation("Yes");
  const char* source =
      "{{ bos_token }}{{ tools is none }}{{ documents is none }}{{ add_generation_prompt }}"
      "{{ eos_token is defined }}{{ enable_thinking }}{{ strftime_now('%Y-%m-%d') }}";
  input.extra = {{"enable_thinking", false}};
  input.now_unix_s = 1752148800;
  EXPECT_EQ(rendered(source, input, {{"bos_token", "<s>"}}),
            "<s>TrueTrueFalseFalseFalse2025-07-10");
  input.tools = OrderedJson::parse(R"([{"type": "function", "function": {"name": "f"}}])");
  EXPECT_EQ(rendered("{{ tools|tojson }}", input),
            R"([{"type": "function", "function": {"name": "f"}}])");
}

TEST(ChatTemplate, ExtraVariablesComeLast) {
  ChatInput input = conversation("Yes");
  input.extra = {{"add_generation_prompt", true}, {"bos_token", "<b>"}};
  EXPECT_EQ(rendered("{{ bos_token }}{{ add_generation_prompt }}", input, {{"bos_token", "<s>"}}),
            "<b>True");
  input.extra = {{"messages", OrderedJson::array()}};
  const auto replaced = compiled(kChatMl).render(input);
  ASSERT_FALSE(replaced.ok());
  EXPECT_EQ(replaced.error().field, "chat_template_kwargs");
}

TEST(ChatTemplate, ContinuesTheFinalMessage) {
  ChatInput input = conversation("The answer is ");
  input.continue_final_message = true;
  EXPECT_EQ(rendered(kChatMl, input), "<|user|>Hi<|end|><|assistant|>The answer is ");
  // A template that trims its messages leaves no space at the end.
  EXPECT_EQ(rendered("{% for m in messages %}{{ m.content | trim }}.{% endfor %}", input),
            "Hi.The answer is");
  input.messages.back()["content"] = {{{"type", "text"}, {"text", "Once "}}, {{"type", "image"}}};
  EXPECT_EQ(rendered("{{ messages[-1].content[0].text }}<|end|>", input), "Once ");
}

TEST(ChatTemplate, RefusesWhatCannotBeContinued) {
  ChatInput input = conversation("The answer is");
  input.continue_final_message = true;
  EXPECT_FALSE(compiled("{{ messages[0].content }}").render(input).ok());
  input.messages.back()["content"] = nullptr;
  EXPECT_FALSE(compiled(kChatMl).render(input).ok());
  input.messages = OrderedJson::array();
  EXPECT_FALSE(compiled(kChatMl).render(input).ok());
  input = conversation("Yes");
  input.continue_final_message = input.add_generation_prompt = true;
  EXPECT_FALSE(compiled(kChatMl).render(input).ok());
}

TEST(ChatTemplate, ErrorsAreTheTemplatesOwn) {
  const auto got =
      compiled("{{ raise_exception('roles must alternate') }}").render(conversation("Yes"));
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().message, "config: chat template, line 1: roles must alternate");
}

TEST(ChatTemplate, ContentShapeIsWhatIsLoopedOver) {
  const auto shape = [](std::string_view source) { return compiled(source).content_shape(); };
  EXPECT_EQ(shape(kChatMl), ContentShape::kText);
  EXPECT_EQ(shape("{% for m in messages %}{% for c in m['content'] %}{% endfor %}{% endfor %}"),
            ContentShape::kParts);
  EXPECT_EQ(shape("{% set loop_messages = messages[1:] %}{% for x in loop_messages %}"
                  "{% if x %}{% for c in x.content | list %}{% endfor %}{% endif %}{% endfor %}"),
            ContentShape::kParts);
  EXPECT_EQ(shape("{% for m in messages %}{% for c in m['tool_calls'] %}{% endfor %}{% endfor %}"),
            ContentShape::kText);
  EXPECT_EQ(shape("{% for m in tools %}{% for c in m['content'] %}{% endfor %}{% endfor %}"),
            ContentShape::kText);
}

TEST(TemplateSource, ReadsConfigs) {
  const auto one = templates_from_config({{"chat_template", "x"}}, "config");
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(*one->choose("", true), "x");
  const Json named = {{"chat_template",
                       {{{"name", "default"}, {"template", "d"}},
                        {{"name", "tool_use"}, {"template", "t"}},
                        {{"name", "rag"}, {"template", "r"}}}}};
  const auto several = templates_from_config(named, "config");
  ASSERT_TRUE(several.ok());
  EXPECT_EQ(*several->choose("", false), "d");
  EXPECT_EQ(*several->choose("", true), "t");
  EXPECT_EQ(*several->choose("rag", true), "r");
  EXPECT_EQ(several->choose("other", false).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(templates_from_config(Json::object(), "config")->empty());
  EXPECT_FALSE(templates_from_config({{"chat_template", 5}}, "config").ok());
  EXPECT_FALSE(templates_from_config({{"chat_template", {{{"name", "x"}}}}}, "config").ok());
}

TEST(TemplateSource, ReadsSpecialTokens) {
  const Json config = {{"bos_token", "<s>"},
                       {"eos_token", {{"content", "</s>"}, {"lstrip", false}}},
                       {"pad_token", nullptr}};
  const auto got = special_tokens_from_config(config, {{"pad_token", "<pad>"}}, "config");
  ASSERT_TRUE(got.ok());
  const SpecialTokens wanted = {
      {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"pad_token", "<pad>"}};
  EXPECT_EQ(*got, wanted);
  EXPECT_FALSE(special_tokens_from_config({{"bos_token", 1}}, nullptr, "config").ok());
}

TEST(TemplateSource, ReadsGguf) {
  GgufFile::Metadata metadata;
  metadata["tokenizer.chat_template"] = {std::string("d")};
  metadata["tokenizer.chat_template.tool_use"] = {std::string("t")};
  metadata["tokenizer.chat_templates"] = {GgufArray{}};
  metadata["tokenizer.ggml.tokens"] = {GgufArray{{std::string("<s>")}, {std::string("</s>")}}};
  metadata["tokenizer.ggml.bos_token_id"] = {int64_t{0}};
  const auto sources = templates_from_gguf(metadata, "file");
  ASSERT_TRUE(sources.ok());
  EXPECT_EQ(*sources->choose("", true), "t");
  EXPECT_EQ(*sources->choose("", false), "d");
  const auto tokens = special_tokens_from_gguf(metadata, "file");
  ASSERT_TRUE(tokens.ok());
  EXPECT_EQ(*tokens, (SpecialTokens{{"bos_token", "<s>"}}));
  metadata["tokenizer.ggml.eos_token_id"] = {int64_t{2}};
  EXPECT_FALSE(special_tokens_from_gguf(metadata, "file").ok());
}

}  // namespace
}  // namespace kilotoken
