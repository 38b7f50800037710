#include "model/jinja/made_cases.h"

// What is wanted is what Jinja2 3.1.6, set up as transformers does, made of the same source.

namespace kilotoken::jinja {
namespace {

const MadeCase kMethods[] = {
    {"{{ d.items() }}", "dict_items([('b', 1), ('a', 2), ('C', None)])"},
    {"{{ d.keys() }}", "dict_keys(['b', 'a', 'C'])"},
    {"{{ d.values() }}", "dict_values([1, 2, None])"},
    {"{{ d.get('a') }}", "2"},
    {"{{ d.get('zz') }}", "None"},
    {"{{ d.get('zz', 4) }}", "4"},
    {"{{ d['b'] }}", "1"},
    {"{{ d.b }}", "1"},
    {"{{ d.zz }}", ""},
    {"{{ d['zz'] is defined }}", "False"},
    {"{{ 'abc'.index('z') }}", nullptr},
    {"{{ ','.join([1]) }}", nullptr},
    {"{{ l.append(4) }}", nullptr},
    {"{{ d.update({}) }}", nullptr},
    {"{{ l.index(1) }}", "1"},
    {"{{ l.count(1) }}", "1"},
    {"{{ l.copy() }}", "[3, 1, 2]"},
    {"{{ (1,2).index(2) }}", "1"},
    {"{{ l.append }}", ""},
    {"{{ d.copy() }}", "{'b': 1, 'a': 2, 'C': None}"},
};

TEST(Jinja, HasTheMethodsOfStrAndDict) { expect_as_python(kMethods); }

const MadeCase kFormats[] = {
    {"{{ '%s is %d and %5.2f|%-5s|%05d|%x|%r|%%'|format('a', 3.7, 2.345, 'ab"
     "', -42, 255, 'q') }}",
     "a is 3 and  2.35|ab   |-0042|ff|'q'|%"},
    {"{{ '%(a)s-%(b)03d'|format(a=1,b=2) }}", "1-002"},
    {"{{ '%s' % 'x' }}", "x"},
    {"{{ '%s %s' % (1,2) }}", "1 2"},
    {"{{ '%(a)s' % d }}", "2"},
    {"{{ '%+d % d %#x %e %g %G' % (1,2,255,12345.678,0.00001,1e20) }}",
     "+1  2 0xff 1.234568e+04 1e-05 1E+20"},
    {"{{ '%c%c' % (65,'b') }}", "Ab"},
    {"{{ '%10.3s|' % 'abcdef' }}", "       abc|"},
    {"{{ '%*d' % (5,42) }}", "   42"},
    {"{{ '%d' % 'x' }}", nullptr},
    {"{{ '%s %s' % 'x' }}", nullptr},
    {"{{ 'x' % 1 }}", nullptr},
    {"{{ '{} {} {0}'.format(1,2) }}", nullptr},
    {"{{ '{} {}'.format(1,'a') }}", "1 a"},
    {"{{ '{0}{1}{0}'.format('a','b') }}", "aba"},
    {"{{ '{a.b} {a[b]} {c[0]}'.format(a={'b':5}, c=[7]) }}", "5 5 7"},
    {"{{ '{:>8}|{:<8}|{:^8}|{:*^9}|{:08.3f}|{:,}|{:+d}|{:x}|{:#b}|{:.2%}|{:e"
     "}|{:10}|{!r:>6}'.format('a','b','c','d',3.14159,1234567,5,255,5,0.256,"
     "1234.5,42,'z') }}",
     "       a|b       |   c    |****d****|0003.142|1,234,567|+5|ff|0b101|25"
     ".60%|1.234500e+03|        42|   'z'"},
    {"{{ '{{}}'.format() }}", "{}"},
    {"{{ '{:{}}|'.format('a', 5) }}", "a    |"},
    {"{{ '{:5}|{:5}|{:05}'.format('a',1,-2) }}", "a    |    1|-0002"},
    {"{{ '{:.3}|{:g}|{:_}'.format('abcdef', 0.1, 12345) }}", "abc|0.1|12_345"},
    {"{{ '{:d}'.format('a') }}", nullptr},
    {"{{ '{'.format(1) }}", nullptr},
};

TEST(Jinja, FormatsAsPythonDoes) { expect_as_python(kFormats); }

}  // namespace
}  // namespace kilotoken::jinja
