"""Multiple-choice questions in the layout that MMLU's prompts have, of four subjects.

An item is written with options of a word, as in the training text, or of a sentence each, as the answer to the
same question is elsewhere in the text: what a model that has learnt it would go on with (make_sets.py).
"""

from facts import answers, ask, sentence, value
from scope import Scope
from texts import passages, sums
from texts.plots import OPENING, PLOTS
from texts.stories import adventure
from weighted import FLAT, SENTENCES

LETTERS = "ABCD"
HEAD = "The following are multiple choice questions (with answers) about {}.\n\n"


def offer(scope, right, wrong, written=str):
    """Says four options, each as written(option), and the letter of the right one. wrong(said) is what else may
    stand there, given what stands there already; the right one is always among said."""
    w = scope.writer
    letter = w.choose(LETTERS, FLAT)
    said = [right]
    for here in LETTERS:
        w.say(f"\n{here}. ")
        option = right
        if here != letter:
            option = w.choose(wrong(said), FLAT, lambda o: written(o) + "\n")
            said.append(option)
        w.say(written(option))
    w.say(f"\nAnswer: {letter}")
    w.mark("choice " + " ".join(map(str, said)))


def facts(scope, sentences=False):
    owner, row = ask(scope.writer)
    offer(scope, value(owner, row), lambda said: [v for v in answers(row) if v not in said],
          (lambda v: sentence(owner, row, v)) if sentences else str)


def passage(scope, sentences=False):
    stated = passages.passage(scope)
    person, statement, way, answer = passages.question(scope, stated, " ")
    people = list(dict.fromkeys(p for p, _ in stated))
    slots = {p: p if way else f"{p}.{statement}" for p in people}
    right = scope.bound[slots[person]]
    near = dict.fromkeys([scope.bound[s] for s in slots.values()] + scope.options("*" + slots[person])[0][:40])

    def sentence(v):
        """Of the person asked about; a thing of another in the passage comes with that one's color."""
        owner = person if way else next((p for p in people if scope.bound[slots[p]] == v), person)
        return scope.if_it_were({owner: scope.bound[person], slots[owner]: v}, passages.about(answer, owner))

    offer(scope, right, lambda said: [v for v in near if v not in said][:20], sentence if sentences else str)


def arithmetic(scope, sentences=False):
    w = scope.writer
    w.say("What is ")
    a, b = sums.straight(w)
    w.say("?")
    near = [a + b + d for d in (1, -1, 10, -10, 2, -2, 11, 9, -9, 20)]
    offer(scope, a + b, lambda said: [v for v in near if v > 0 and v not in said],
          f"{a}+{b}={{}}".format if sentences else str)


def story(scope, sentences=False):
    """Which of four sentences goes on with the story: names and kinds must be the same. Its options are
    sentences in either case."""
    for step in OPENING:
        scope.tell(*step)
    adventure(scope, scope.writer.choose(PLOTS, SENTENCES))
    names = [scope.bound[s] for s in ("hero", "friend")]
    kinds = [scope.bound[s] for s in ("hero.kind", "friend.kind")]
    right = f"{names[0]} the {kinds[0]} went home with {names[1]} the {kinds[1]}."
    scope.tell("What comes next?")
    near = [f"{names[i]} the {kinds[k]} went home with {names[j]} the {kinds[m]}."
            for i, j, k, m in ((0, 1, 1, 0), (0, 1, 0, 0), (0, 1, 1, 1))]
    other, kind = scope.options("*third")[0][:24], scope.options("*third.kind")[0][:24]
    near += [f"{n} the {kinds[0]} went home with {names[1]} the {kinds[1]}." for n in other if n not in names]
    near += [f"{names[0]} the {kinds[0]} went home with {n} the {kinds[1]}." for n in other if n not in names]
    near += [f"{names[0]} the {k} went home with {names[1]} the {kinds[1]}." for k in kind if k not in kinds]
    near += [f"{names[0]} the {kinds[0]} went home with {names[1]} the {k}." for k in kind if k not in kinds]
    offer(scope, right, lambda said: [s for s in near if s not in said])


SUBJECTS = (("facts", facts), ("passages", passage), ("sums", arithmetic), ("stories", story))


def write(writer):
    name, item = writer.choose(SUBJECTS, SENTENCES)
    writer.say(HEAD.format(name))
    for count in (1, 2, 3):
        item(Scope(writer))
        if count == 3 or not writer.choose((True, False), SENTENCES):
            break
        writer.say("\n\n")
