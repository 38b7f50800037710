"""A passage about one or two characters, then questions that it answers."""

from texts.cast import Cast, an, capital


def facts(s):
    """(sentence, question, answer) about the hero, and about the helper as a distractor."""
    c, h, p = s.chooser, s.hero, s.helper()
    hero_thing = s.thing()
    other_thing = hero_thing
    while other_thing == hero_thing:
        other_thing = c.pick(["red", "blue", "green", "yellow"]) + " " + c.pick(["ball", "kite", "hat", "drum", "book"])
    other_place = c.pick([x for x in ["forest", "river", "hill", "lake", "village", "farm", "sea"] if x != s.place])
    rows = []
    for who, place, thing in ((h, s.place, hero_thing), (p, other_place, other_thing)):
        rows.append([
            (f"{who.name} is {an(who.trait + ' ' + who.kind)}.", f"What kind of animal is {who.name}?", f"{who.name} is {an(who.kind)}."),
            (f"{who.They} lives near the {place}.", f"Where does {who.name} live?", f"{who.name} lives near the {place}."),
            (f"{who.They} has {an(thing)}.", f"What does {who.name} have?", f"{who.name} has {an(thing)}."),
            (None, f"Who has {an(thing)}?", f"{who.name} has {an(thing)}."),
            (None, f"Who lives near the {place}?", f"{who.name} lives near the {place}."),
        ])
    return rows


def passage_and_questions(chooser, count):
    s = Cast(chooser, chooser.pick(["rabbit", "bear", "mouse", "fox", "cat", "dog"]))
    rows = facts(s)
    passage = " ".join(f[0] for row in rows for f in row if f[0])
    pool = [f for row in rows for f in row]
    asked = []
    for _ in range(count):
        f = chooser.pick([x for x in pool if x not in asked])
        asked.append(f)
    return s, passage, [(q, a) for _, q, a in asked]


def write(chooser):
    s, passage, pairs = passage_and_questions(chooser, chooser.pick(2, 1, 3))
    lines = [passage] + [f"Question: {q}\nAnswer: {a}" for q, a in pairs]
    return "\n".join(lines), s.combination()
