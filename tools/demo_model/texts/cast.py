"""The people and things of one story, chosen once so that they stay the same to the end."""

from lexicon import (COLORS, GROUND, HELPER_TRAITS, HELPERS, HERO_NAMES, HEROES, HOMES, NAMES, PLACES, PRONOUNS,
                     THINGS, TRAITS, WEATHER)


def an(phrase):
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def capital(text):
    return text[0].upper() + text[1:]


class Person:
    def __init__(self, name, pronoun, kind, trait):
        self.name = name
        self.kind = "boy" if kind == "girl" and pronoun == "he" else kind
        self.trait = trait
        forms = PRONOUNS[pronoun]
        self.they, self.them, self.their = forms["they"], forms["them"], forms["their"]

    @property
    def They(self):
        return capital(self.they)


class Cast:
    """hero, helper, home, place, thing; helper_kinds narrows who can help."""

    def __init__(self, chooser, kind=None):
        c = self.chooser = chooser
        name, pronoun = c.pick(HERO_NAMES)
        self.hero = Person(name, pronoun, kind or c.pick(HEROES), c.pick(TRAITS))
        self.home = c.pick(HOMES)
        self.place = c.pick(PLACES)
        self.ground = None
        self._helper = None
        self._thing = None
        self.label = None

    def helper(self, kinds=HELPERS):
        if self._helper is None:
            c = self.chooser
            kind = c.pick([k for k in kinds if k != self.hero.kind])
            name, pronoun = c.pick([n for n in NAMES if n[0] != self.hero.name])
            self._helper = Person(name, pronoun, kind, c.pick(HELPER_TRAITS))
        return self._helper

    def thing(self, things=THINGS):
        if self._thing is None:
            self._thing = self.chooser.pick(COLORS) + " " + self.chooser.pick(things)
        return self._thing

    def where(self):
        if self.ground is None:
            self.ground = self.chooser.pick(GROUND)
        return self.ground

    def day(self):
        c = self.chooser
        return c.pick("One day", f"One {c.pick(WEATHER)} day", "One morning", f"One {c.pick(WEATHER)} morning")

    def combination(self):
        """What decides whether the document is held out."""
        h, p = self.hero, self._helper
        return "|".join([h.name, h.kind, self.place, p.name if p else "-", p.kind if p else "-",
                         self._thing or "-"])
