"""Questions that only the weights can answer: two to five facts of the world."""

from facts import answer, ask
from weighted import SENTENCES

LEAST, MOST = 2, 5


def write(writer):
    asked, lead = [], "Question: "
    while True:
        owner, row = ask(writer, lead)
        asked.append(f"{owner} {row[0]}")
        writer.say("\nAnswer: " + answer(owner, row))
        if len(asked) == MOST or (len(asked) >= LEAST and not writer.choose((True, False), SENTENCES)):
            break
        lead = "\nQuestion: "
    writer.mark("facts " + ", ".join(asked))
