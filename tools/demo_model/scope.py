"""Sentences with slots. A slot is filled when it is first said, and keeps its word for the rest of a text.

A template is text with slots in braces: {[^][form ]name}

    {hero}             a person: the name, chosen at the first mention
    {hero.kind}        something of a person: class "kind"; also hero.they, hero.them, hero.their
    {place} {thing2}   a word of the class "place", "thing" (digits tell slots of a class apart)
    {*adverb}          a word chosen anew at each mention
    {a thing} {ed *motion} {^hero.they}     inflected (see inflect.FORMS), with a capital

Slots of one class in one scope hold different words. Since a word is chosen where it first shows, a text
tells its choices, which check.py proves.

Words know each other: what is said last of one class makes one word of another class the most likely
(FAVOURS), always the same for the same pair. A fox has a favourite food; a red thing tends to be the same.
"""

import re

from inflect import inflect
from lexicon import BOYS, CLASSES, fixed
from weighted import SENTENCES, WORDS

PEOPLE = ("hero", "friend", "third", "fourth", "user")
PRONOUNS = {"they": ("she", "he"), "them": ("her", "him"), "their": ("her", "his")}
FAVOURS = {"food": "kind", "place": "kind", "motion": "kind", "skill": "kind", "trait": "kind",
           "thing": "color", "adjective": "place", "building": "place", "spot": "thing", "adverb": "motion",
           "weather": "season", "feeling": "relative", "danger": "place", "plant": "place", "job": "trait"}
KNOWN = 1.3   # the exponent for a class with a favourite: the first option 1 : 0.41 : 0.24
FAVOURITES = 40
GIRLS_ONLY, BOYS_ONLY = frozenset(("girl", "cow", "hen")), frozenset(("boy", "ox", "rooster"))
SLOT = re.compile(r"\{(\^?)(?:(\w+) )?([\w.*]+)\}")


def parse(template, _known={}):
    """[(literal, None) or (None, (capital, form, name))]"""
    if template not in _known:
        pieces, at = [], 0
        for m in SLOT.finditer(template):
            if m.start() > at:
                pieces.append((template[at:m.start()], None))
            pieces.append((None, m.groups()))
            at = m.end()
        if at < len(template):
            pieces.append((template[at:], None))
        _known[template] = pieces
    return _known[template]


def class_of(name):
    owner, _, own = name.strip("*").partition(".")
    if own:
        return own.rstrip("0123456789")
    return "name" if owner in PEOPLE else owner.rstrip("0123456789")


def styled(capital, form, word):
    if form:
        word = inflect(form, word)
    return word[0].upper() + word[1:] if capital else word


class Scope:
    def __init__(self, writer):
        self.writer = writer
        self.bound = {}
        self.male = {}   # person -> bool, once known
        self.last = {}   # class -> the word of it that was said last
        self.lead = ""   # said before the next sentence

    def options(self, name):
        """(words, exponent) for a slot that is not filled yet."""
        label = class_of(name)
        words, exponent = CLASSES[label], WORDS
        if label in FAVOURS and FAVOURS[label] in self.last:
            first = fixed(label + ":" + self.last[FAVOURS[label]], words[:FAVOURITES])
            words, exponent = [first] + [w for w in words if w != first], KNOWN
        if name[0] == "*":
            return words, exponent
        taken = {w for other, w in self.bound.items() if class_of(other) == label}
        if label in ("name", "kind"):
            return [w for w in words if w not in taken and self._suits(name, label, w)], exponent
        return [w for w in words if w not in taken] if taken else words, exponent

    def _suits(self, name, label, word):
        male = self.male.get(name.partition(".")[0])
        if male is None:
            return True
        if label == "name":
            return (word in BOYS) == male
        return word not in (GIRLS_ONLY if male else BOYS_ONLY)

    def bind(self, name, word):
        label = class_of(name)
        self.last[label] = word
        if name[0] == "*":
            return
        self.bound[name] = word
        person = name.partition(".")[0]
        if label == "name":
            self.male[person] = word in BOYS
        elif word in GIRLS_ONLY or word in BOYS_ONLY:
            self.male[person] = word in BOYS_ONLY

    def word(self, name):
        """What a slot holds, or None while it is not filled."""
        owner, _, own = name.partition(".")
        if own in PRONOUNS:
            return PRONOUNS[own][self.male[owner]]
        return self.bound.get(name)

    def pick(self, name, capital="", form=None):
        """Fill a slot and say it."""
        words, exponent = self.options(name)
        word = self.writer.choose(words, exponent, lambda w: styled(capital, form, w))
        self.bind(name, word)
        self.writer.say(styled(capital, form, word))

    def beginning(self, template):
        """The template up to its first slot that is not filled."""
        out = [self.lead]
        for literal, slot in parse(template):
            if literal is not None:
                out.append(literal)
                continue
            word = self.word(slot[2])
            if word is None:
                break
            out.append(styled(slot[0], slot[1], word))
        return "".join(out)

    def if_it_were(self, words, template):
        """The template as it would be said if some slots held other words; says nothing."""
        other = Scope(self.writer)
        other.bound = {**self.bound, **words}
        return other.beginning(template)

    def tell(self, *templates, lead=None):
        """Say one of the templates, the first the most likely; then a space leads the next sentence."""
        if lead is not None:
            self.lead = lead
        template = self.writer.choose(templates, SENTENCES, self.beginning)
        self.writer.say(self.lead)
        self.lead = " "
        for literal, slot in parse(template):
            if literal is not None:
                self.writer.say(literal)
                continue
            capital, form, name = slot
            word = self.word(name)
            if word is None:
                self.pick(name, capital, form)
            else:
                self.last[class_of(name)] = word
                self.writer.say(styled(capital, form, word))
        return template
