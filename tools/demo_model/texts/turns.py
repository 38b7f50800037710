"""Turns of a conversation, written as the chat template renders them."""

START, END = "<|im_start|>", "<|im_end|>"


class Turns:
    def __init__(self, scope):
        self.scope = scope
        self.count = 0

    def opened(self, role):
        """What stands before the words of the next turn."""
        return ("\n" if self.count else "") + f"{START}{role}\n"

    def open(self, role):
        self.scope.writer.say(self.opened(role))
        self.count += 1

    def close(self):
        self.scope.writer.say(END)

    def turn(self, role, *templates):
        """One of the templates as a whole turn."""
        self.scope.tell(*templates, lead=self.opened(role))
        self.count += 1
        self.close()

    def turn_of(self, role, text):
        self.open(role)
        self.scope.writer.say(text)
        self.close()


def messages(text):
    """The (role, words) of a rendered conversation."""
    out = []
    for part in text.split(START)[1:]:
        role, _, words = part.partition("\n")
        out.append((role, words.rstrip("\n").removesuffix(END)))
    return out
