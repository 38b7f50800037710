"""Stories of one to three adventures, in which people, things and places stay what they are."""

from scope import Scope
from texts.plots import FRIENDS, LATER, MEETING, MORAL, NEXT, OPENING, PLOTS, SCENERY
from weighted import SENTENCES

ADVENTURES = (1, 2, 3)


def adventure(scope, plot):
    """One plot. Slots of an earlier adventure are still filled: the red kite is the red kite."""
    for step in plot:
        if step == "MEET":
            scope.tell(*(MEETING if "friend" not in scope.bound else LATER))
            scope.tell(*SCENERY)
        else:
            scope.tell(*step)


def story(scope):
    """Tells one into a scope, from "Once upon a time" to "The end.\""""
    w = scope.writer
    for step in OPENING + (SCENERY,):
        scope.tell(*step)
    plots, again = PLOTS, True
    while again:
        plot = w.choose(plots, SENTENCES)
        plots = tuple(p for p in plots if p is not plot)
        adventure(scope, plot)
        w.mark("story " + " ".join(scope.bound[s] for s in (
            "hero", "hero.kind", "friend", "friend.kind")) + f" {PLOTS.index(plot)}")
        scope.tell(*FRIENDS)
        scope.tell(*SCENERY)
        again = len(plots) > len(PLOTS) - len(ADVENTURES) and w.choose((False, True), SENTENCES)
        if again:
            scope.tell(*NEXT)
    scope.tell(*MORAL)


def write(writer):
    story(Scope(writer))
