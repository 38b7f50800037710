// Templates are hostile: each of these ends with an error that names a limit.

#include "model/jinja/made_cases.h"

namespace kilotoken::jinja {
namespace {

std::string repeated(const std::string& part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

void expect_limit(const std::string& source, const std::string& limit) {
  const auto got = render(source, OrderedJson::object());
  ASSERT_FALSE(got.ok()) << source.substr(0, 100);
  EXPECT_EQ(got.error().code, ErrorCode::kInvalid);
  EXPECT_NE(got.error().message.find("(limit of " + limit + ")"), std::string::npos)
      << source.substr(0, 100) << ": " << got.error().message;
}

// A loop that makes a namespace's `s` from itself.
std::string grown(const std::string& first, const std::string& next, int times) {
  return "{% set ns = namespace(s=" + first + ") %}{% for i in range(" + std::to_string(times) +
         ") %}{% set ns.s = " + next + " %}{% endfor %}";
}

TEST(JinjaLimits, LoopsEnd) {
  expect_limit("{% for i in range(10**12) %}{% endfor %}", "range");
  const std::string loop = "{% for i in range(100000) %}";
  const std::string end = "{% endfor %}";
  expect_limit(repeated(loop, 3) + repeated(end, 3), "steps");
  expect_limit(loop + loop + repeated("x", 100) + end + end, "output");
}

TEST(JinjaLimits, CallsEnd) {
  expect_limit("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "call depth");
  expect_limit("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "call depth");
  expect_limit("{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}", "call depth");
}

TEST(JinjaLimits, ValuesStaySmall) {
  for (const char* source :
       {"{{ 'a' * 10**9 }}", "{{ [1] * 10**9 }}", "{{ ('a' * 10**6) * 10**12 }}",
        "{{ ('a' * 100000).replace('a', 'b' * 100000) }}", "{{ 'a'|center(10**12) }}",
        "{{ 'a'.zfill(10**15) }}", "{{ (range(1000)|list)|join('b' * 1000000) }}",
        "{{ [1]|batch(10**12, 'x')|list }}", "{{ [[1]]|tojson(indent=10**9) }}",
        "{{ (range(9999)|list)|tojson(separators=('x' * 100000, ':')) }}",
        "{{ ('%1000000d' * 100) % ((1,) * 100) }}"}) {
    expect_limit(source, "value memory");
  }
  expect_limit(grown("'aaaaaaaaaa'", "ns.s ~ ns.s", 100), "value memory");
  expect_limit(grown("[1]", "ns.s + ns.s", 100), "value memory");
  expect_limit("{{ '%1000000000d' % 1 }}", "format width");
  expect_limit("{{ '{:1000000000}'.format(1) }}", "format width");
  expect_limit("{{ 2**10**10 }}", "integers");
  expect_limit("{{ 9223372036854775807 + 1 }}", "integers");
}

TEST(JinjaLimits, ValuesStayShallow) {
  expect_limit(grown("[1]", "[ns.s]", 100000), "value depth");
  expect_limit(grown("'x'", "cycler(ns.s).next", 1000), "value depth");
  // Shallow, but with more leaves than there are atoms.
  expect_limit(grown("[1]", "[ns.s, ns.s]", 150) + "{{ ns.s }}", "steps");
  expect_limit(grown("[1]", "[ns.s, ns.s]", 150) + "{{ ns.s|tojson }}", "value memory");
}

TEST(JinjaLimits, SourceStaysShallow) {
  for (const auto& [open, close] :
       {std::pair{"(", ")"}, {"[", "]"}, {"- ", ""}, {"not ", ""}, {"1 if 0 else ", ""}}) {
    expect_limit("{{ " + repeated(open, 100000) + "1" + repeated(close, 100000) + " }}",
                 "source depth");
  }
  expect_limit(repeated("{% if 1 %}", 100000), "source depth");
  for (const char* more : {" + 1", "|string", ".b", " and 1", "()"}) {
    expect_limit("{{ a" + repeated(more, 100000) + " }}", "expression height");
  }
}

TEST(JinjaLimits, CirclesAreTakenApart) {
  const auto circle =
      render("{% set ns = namespace() %}{% set ns.a = ns %}{% set ns.l = [ns] %}{{ ns.l == [ns] }}",
             OrderedJson::object());
  ASSERT_TRUE(circle.ok()) << circle.error().message;
  EXPECT_EQ(*circle, "True");
  const auto chain =
      render(grown("none", "namespace(a=ns.s)", 90000) + "done", OrderedJson::object());
  ASSERT_TRUE(chain.ok()) << chain.error().message;
  EXPECT_EQ(*chain, "done");
}

TEST(JinjaLimits, SearchesAreLinear) {
  expect_limit(
      "{% set s = 'a' * 1000000 %}{% set p = 'a' * 50000 ~ 'b' %}"
      "{% for i in range(100000) %}{{ s.find(p) }}{% endfor %}",
      "steps");
}

TEST(JinjaLimits, LongConversationsRender) {
  OrderedJson variables;
  for (int i = 0; i < 10000; ++i) {
    variables["messages"].push_back(
        {{"role", i % 2 == 0 ? "user" : "assistant"}, {"content", "message " + std::to_string(i)}});
  }
  const auto got = render(
      "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m.content|trim }}"
      "{% if loop.last %}!{% endif %}{% endfor %}",
      variables);
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_TRUE(got->ends_with("<|assistant|>message 9999!"));
}

TEST(Jinja, ErrorsNameTheLine) {
  const auto runs = render("a\n{{ 1 }}\n{{ none.x.y }}", OrderedJson::object());
  ASSERT_FALSE(runs.ok());
  EXPECT_EQ(runs.error().message, "test, line 3: 'None' has no attribute 'x'");
  const auto parses = render("a\nb\n{% if 1 %}{% endfor %}", OrderedJson::object());
  ASSERT_FALSE(parses.ok());
  EXPECT_EQ(parses.error().message, "test, line 3: Encountered unknown tag 'endfor'.");
  const auto raises = render("\n{{ raise_exception('no ' ~ 1) }}", OrderedJson::object());
  ASSERT_FALSE(raises.ok());
  EXPECT_EQ(raises.error().message, "test, line 2: no 1");
}

TEST(Jinja, RefusesOtherTemplates) {
  for (const char* tag : {"include 'x'", "import 'x' as y", "from 'x' import y", "extends 'x'"}) {
    const auto got = render("{% " + std::string(tag) + " %}", OrderedJson::object());
    ASSERT_FALSE(got.ok());
    EXPECT_NE(got.error().message.find("is refused"), std::string::npos);
  }
}

}  // namespace
}  // namespace kilotoken::jinja
