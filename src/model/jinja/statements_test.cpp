#include "model/jinja/made_cases.h"

// What is wanted is what Jinja2 3.1.6, set up as transformers does, made of the same source.

namespace kilotoken::jinja {
namespace {

const MadeCase kStatements[] = {
    {"{{ us|groupby('age') }} {% for g, items in us|groupby('age') %}{{ g }}"
     ":{{ items|map(attribute='name')|join('+') }};{% endfor %}{% for g in u"
     "s|groupby('age') %}{{ g.grouper }}{{ g.list|length }}{% endfor %}",
     "[(3, [{'name': 'bob', 'age': 3, 'x': {'y': 1}}, {'name': 'cy', 'age': "
     "3}]), (9, [{'name': 'Al', 'age': 9, 'x': {'y': 2}}])] 3:bob+cy;9:Al;32"
     "91"},
    {"{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{"
     " loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ l"
     "oop.depth }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a','b"
     "') }}{{ loop.changed(x>1) }};{% endfor %}",
     "1032TrueFalse311aTrue;2121FalseFalse3132bTrue;3210FalseTrue311aTrue;"},
    {"{% for k, v in d.items() %}{{ k }}={{ v }},{% else %}none{% endfor %}{"
     "% for x in e %}a{% else %}empty{% endfor %}{% for x in x %}a{% else %}"
     "E{% endfor %}",
     "b=1,a=2,C=None,emptyE"},
    {"{% for x in l if x > 1 %}{{ x }}{{ loop.length }}{% endfor %}{% for x "
     "in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% if x == 2 %}{"
     "% break %}{% endif %}{% else %}Z{% endfor %}{% for x in l %}{% break %"
     "}{% else %}Q{% endfor %}{% for x in l %}{% continue %}{% else %}Q{% en"
     "dfor %}",
     "322232QQ"},
    {"{% for a, (b, c) in [[1,[2,3]],[4,[5,6]]] %}{{ a }}{{ b }}{{ c }};{% e"
     "ndfor %}{% for x in 'abc' %}{{ x }}.{% endfor %}{% for x in d %}{{ x }"
     "}{% endfor %}",
     "123;456;a.b.c.baC"},
    {"{% for a, b in l %}{% endfor %}", nullptr},
    {"{% for a, b in [[1,2,3]] %}{% endfor %}", nullptr},
    {"{% for n in [{'v':1,'c':[{'v':2,'c':[]},{'v':3,'c':[{'v':4}]}]}] recur"
     "sive %}{{ n.v }}@{{ loop.depth }}{% if n.c %}[{{ loop(n.c) }}]{% endif"
     " %}{% endfor %}",
     "1@1[2@23@2[4@3]]"},
    {"{% set a = 1 %}{% for i in l %}{% set a = a + i %}{{ a }}{% endfor %}{"
     "{ a }}{% set ns = namespace(c=0, z='q') %}{% for i in l %}{% set ns.c "
     "= ns.c + i %}{% endfor %}{{ ns.c }}{{ ns.z }}{{ ns.nope is defined }}",
     "42316qFalse"},
    {"{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set q2 %}  block {{ a }} {% ends"
     "et %}[{{ q2 }}]{% set q3 | upper | trim %} x{{ b }} {% endset %}[{{ q3"
     " }}]{% if true %}{% set z = 5 %}{% endif %}{{ z }}{% with a = 9, c = a"
     " %}{{ a }}{{ c }}{% endwith %}{{ a }}{{ c }}",
     "12[  block 1 ][X2]5911"},
    {"{% macro m(a, b=2, c=a) %}{{ a }}-{{ b }}-{{ c }}-{{ varargs }}-{{ kwa"
     "rgs }}{% endmacro %}{{ m(1) }}|{{ m(1,3,4,5,6,z=7) }}|{{ m(b=1,a=0) }}"
     "|{{ m() }}|{{ m.name }}{{ m.arguments }}{{ m.catch_kwargs }}",
     "1-2-1-()-{}|1-3-4-(5, 6)-{'z': 7}|0-1-0-()-{}|-2--()-{}|m('a', 'b', 'c"
     "')True"},
    {"{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1,2) }}", nullptr},
    {"{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}", nullptr},
    {"{% macro m(a) %}[{{ caller(a, 2) }}]{% endmacro %}{% call(x, y) m(5) %"
     "}{{ x }}/{{ y }}{% endcall %}{% macro o() %}{{ caller() }}{% endmacro "
     "%}{% call o() %}in{% endcall %}",
     "[5/2]in"},
    {"{% macro m(a) %}{{ a }}{% endmacro %}{% call m(5) %}x{% endcall %}", nullptr},
    {"{% macro f(n) %}{% if n > 1 %}{{ n }}*{{ f(n-1) }}{% else %}1{% endif "
     "%}{% endmacro %}{{ f(5) }}{% set v = 'outer' %}{% macro g() %}{{ v }}{"
     "% endmacro %}{% set v = 'later' %}{{ g() }}{% for i in l %}{% macro h("
     ") %}{{ i }}{% endmacro %}{{ h() }}{% endfor %}",
     "5*4*3*2*1later312"},
    {"{% filter upper %}abc {{ s }}{% endfilter %}{% filter replace('a','b')"
     "|upper %}aa{% endfilter %}{% generation %}gen {{ n }}{% set zz = 1 %}{"
     "% endgeneration %}{{ zz }}{% print n %}",
     "ABC HELLO WÖRLD, ÇA VA?\n  TWO\tLINES BBgen 55"},
    {"{% raw %}{{ not }} {% if %}{% endraw %}|{%- raw -%}  x  {%- endraw -%}"
     "  |{# comment {{ }} #}|{#- c -#}  |",
     "{{ not }} {% if %}|x|||"},
    {"{% set c = cycler('a','b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }"
     "}{{ c.current }}{{ c.reset() }}{{ c.next() }}{% set j = joiner('; ') %"
     "}{{ j() }}x{{ j() }}y",
     "ababNoneax; y"},
    {"{% if n %}a{% elif x %}b{% else %}c{% endif %}{% if x %}a{% elif n > 3"
     " and s %}b{% endif %}{{ [1,2,3,] }}{{ {'a':1,} }}{{ (1,2,) }}{{ dict(a"
     "=1,) }}",
     "ab[1, 2, 3]{'a': 1}(1, 2){'a': 1}"},
    {"{% if false %}{{ l|foo }}{% endif %}ok{{ 1 if true else (2|foo) }}", "ok1"},
    {"{% unknown %}", nullptr},
    {"{% if %}", nullptr},
    {"{% for x in l %}", nullptr},
    {"{% break %}", nullptr},
    {"{% set x.y = 1 %}", nullptr},
    {"{% include 'x' %}", nullptr},
    {"{% import 'x' as y %}", nullptr},
    {"{{ loop }}{% for x in [1] %}{{ loop is defined }}{% endfor %}{{ loop i"
     "s defined }}",
     "TrueFalse"},
    {"{% for x in range(100001) %}{% endfor %}", nullptr},
    {"{% set g = l|map('string') %}{{ g|list }}{{ g|list }}{% for y in l|map"
     "('string') %}{{ y }}{{ loop.length }}{{ loop.last }}{% endfor %}",
     "['3', '1', '2'][]33False13False23True"},
    {"{% macro outer() %}{% set hidden = 1 %}{% macro inner() %}{{ hidden }}"
     "{% endmacro %}{{ inner() }}{% endmacro %}{{ outer() }}{{ hidden }}{{ i"
     "nner }}",
     "1"},
    {"{% for m in us %}{% set role = m.name %}{% for k in l %}{{ role }}{{ l"
     "oop.index }}{% endfor %}{{ loop.index }}{% endfor %}{{ role }}",
     "bob1bob2bob31Al1Al2Al32cy1cy2cy33"},
    {"{{ us[0]|items|list }} {{ us[0].items()|list }} {% for k, v in us[0]|i"
     "tems %}{{ k }}{{ v }}{% endfor %} {{ us[0].keys()|list }} {{ us[0].ite"
     "ms()[0] }} {{ (us[0].items()|list)[0] }}",
     "[('name', 'bob'), ('age', 3), ('x', {'y': 1})] [('name', 'bob'), ('age"
     "', 3), ('x', {'y': 1})] namebobage3x{'y': 1} ['name', 'age', 'x']  ('n"
     "ame', 'bob')"},
};

TEST(Jinja, RunsStatements) { expect_as_python(kStatements); }

const MadeCase kWhiteSpace[] = {
    {"  {% if true %}\n    x\n  {% endif %}\n  {%- if true -%}   y   {%- end"
     "if +%}\n  {%+ if true %} z\n{% endif %}  \n   {{ n }}   \n{# c #}\n   "
     "{# d #} text\n",
     "    x\ny\n   z\n  \n   5   \n text"}};

TEST(Jinja, TrimsBlocks) { expect_as_python(kWhiteSpace); }

}  // namespace
}  // namespace kilotoken::jinja
