"""Numbers and sums. A number is said digit by digit; a longer sum is worked out digit by digit."""

from weighted import FLAT

FIRST, REST = "123456789", "0123456789"


def number(writer, lengths):
    """Says a number whose count of digits is one of lengths, the first the most likely; returns it."""
    length = writer.choose(lengths, 0.7)
    text = ""
    for i in range(length):
        digit = writer.choose(FIRST if i == 0 else REST, FLAT, str)
        writer.say(digit)
        text += digit
    return int(text)


def worked(a, b):
    """'7+5=12, 4+8+1=13, 3+2+1=6' for 347 and 285: the ones first, with the carry as a last 1."""
    x, y = str(a)[::-1], str(b)[::-1]
    steps, carry = [], 0
    for i in range(max(len(x), len(y))):
        terms = [s[i] for s in (x, y) if i < len(s)] + (["1"] if carry else [])
        total = sum(map(int, terms))
        carry = total > 9
        steps.append("+".join(terms) + "=" + str(total))
    return ", ".join(steps)


def addition(a, b):
    """The whole answer to a sum: one step if both have one digit, else worked out."""
    result = f"{a}+{b}={a + b}"
    return result if a < 10 and b < 10 else f"{worked(a, b)}, {result}"
