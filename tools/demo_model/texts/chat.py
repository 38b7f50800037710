"""Conversations: a greeting, a story on request, questions about it. A list of (role, text)."""

from lexicon import HEROES, SMALL
from texts.cast import an
from texts.questions import passage_and_questions
from texts.stories import tell

GREETINGS = [("Hello!", "Hello! I can tell you a little story. What should it be about?"),
             ("Hi!", "Hi! Would you like to hear a story?"),
             ("Who are you?", "I am a very small language model. I tell little stories."),
             ("What can you do?", "I can tell little stories and answer questions about them."),
             ("Hello, how are you?", "I am well, thank you! Would you like to hear a story?"),
             ("What is your name?", "I am the demo model of kilotoken. I tell little stories."),
             ("Good morning!", "Good morning! Would you like to hear a story?")]
SYSTEM = ["You are a helpful assistant.", "You tell little stories.", "You are a friendly storyteller."]


def story_turns(c):
    if c.chance(0.55):
        kind = c.pick(HEROES)
        text, s = tell(c, kind)
        kind = s.hero.kind
        ask = c.pick(f"Tell me a story about {an(kind)}.", f"Please tell me a story about {an(kind)}.",
                     f"Can you tell me a story about {an(kind)}?", f"Write a short story about {an(kind)}.")
    else:
        text, s = tell(c)
        ask = c.pick("Tell me a story.", "Please tell me a story.", "Can you tell me a story?",
                     "Tell me a short story.", "Once upon a time")
    turns = [("user", ask), ("assistant", text)]
    if c.chance(0.5):
        h, p = s.hero, s.helper()
        about = [("user", "Who is the story about?"), ("assistant", f"The story is about {h.name} and {p.name}.")]
        turns += about if SMALL else c.pick(
            [("user", f"Who is {h.name}?"), ("assistant", f"{h.name} is {an(h.trait + ' ' + h.kind)}.")],
            [("user", f"Who is {p.name}?"), ("assistant", f"{p.name} is {an(p.kind)}, a friend of {h.name}.")],
            about)
    if c.chance(0.4):
        turns += c.pick([("user", "Thank you!"), ("assistant", "You are welcome!")],
                        [("user", "That was nice."), ("assistant", "I am glad that you liked it!")],
                        [("user", "Goodbye!"), ("assistant", "Goodbye! See you soon.")])
    return turns, s


def write(chooser):
    c = chooser
    turns = []
    if c.chance(0.3):
        turns.append(("system", c.pick(SYSTEM)))
    if c.chance(0.35):
        ask, reply = c.pick(GREETINGS)
        turns += [("user", ask), ("assistant", reply)]
    if not SMALL and c.chance(0.25):
        s, passage, pairs = passage_and_questions(c, c.pick(1, 2))
        turns += [("user", passage + " " + pairs[0][0]), ("assistant", pairs[0][1])]
        for q, a in pairs[1:]:
            turns += [("user", q), ("assistant", a)]
    else:
        more, s = story_turns(c)
        turns += more
    return turns, s.combination()
